// `npm run api`: writes docs/api/PACKAGE.api.md, the list of what each package exports, by API Extractor. The files are
// committed, so that a change of a package's interface is visible in its review. apiDrift compares them with the code.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const root = fileURLToPath(new URL("..", import.meta.url));
const committed = join(root, "docs", "api");

/** Returns one line for each report that differs from the code. The packages must be compiled. */
export function apiDrift() {
  const fresh = reports();
  const names = new Set([...fresh.keys(), ...readdirSync(committed).filter((name) => name.endsWith(".api.md"))]);
  return [...names]
    .sort()
    .filter(
      (name) => !existsSync(join(committed, name)) || readFileSync(join(committed, name), "utf8") !== fresh.get(name),
    )
    .map((name) => `docs/api/${name}: differs from the package's exports: run npm run api and commit the file`);
}

/** The text of each package's report, by file name. */
function reports() {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-api-"));
  try {
    const packages = readdirSync(join(root, "packages")).filter((name) =>
      existsSync(join(root, "packages", name, "dist", "index.d.ts")),
    );
    for (const name of packages) writeReport(name, folder);
    return new Map(packages.map((name) => [`${name}.api.md`, readFileSync(join(folder, `${name}.api.md`), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeReport(name, folder) {
  const projectFolder = join(root, "packages", name);
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2023"],
    types: ["node"],
    skipLibCheck: true,
  };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, "dist", "index.d.ts"),
      compiler: { overrideTsconfig: { compilerOptions, include: ["dist/index.d.ts"] } },
      apiReport: { enabled: true, reportFileName: name, reportFolder: folder, reportTempFolder: join(folder, "temp") },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: { default: { logLevel: "none" } } },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, "package.json"),
  });
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== "error";
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of reports()) writeFileSync(join(committed, name), text);
}
