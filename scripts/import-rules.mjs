// findViolations: checks which packages import which. A package may import only the Lockstep packages in its list. A
// pure folder may not use the machine: no files, clock, timers, randomness or process. Tests beside the source are
// bound to the package's list, but may use Node.
//
// This is a script because the linter can only forbid what is listed. Here everything is forbidden that is not listed.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** The Lockstep packages that each package may import. Every package may also import errors. */
export const mayImport = {
  errors: [],
  files: [],
  protocol: [],
  service: ["files"],
  numerics: [],
  "tfjs-backend-torch": [],
  dataset: ["files", "numerics"],
  "dataset-tools": ["files", "dataset", "numerics"],
  recipe: ["files", "dataset", "numerics", "tfjs-backend-torch"],
  checkpoint: ["files", "protocol"],
  coordinator: ["files", "protocol", "service", "checkpoint", "numerics", "dataset"],
  worker: ["protocol", "service", "dataset", "recipe", "numerics"],
  report: ["dataset", "recipe", "checkpoint", "numerics", "protocol"],
  exporter: ["protocol", "service"],
  cli: [
    ...["protocol", "service", "numerics", "dataset", "recipe", "checkpoint", "coordinator", "worker", "report"],
    ...["files", "dataset-tools", "exporter"],
  ],
  testkit: "everything",
};

/** Packages that may be imported only by `await import()`, so that the package also works without them. */
const onlyDynamic = { recipe: ["tfjs-backend-torch"] };

/** Folders of sources that only decide and compute, and do not use the machine. */
export const pureSources = [
  { folder: "packages/coordinator/src/core", except: [] },
  { folder: "packages/numerics/src", except: ["packages/numerics/src/native.ts"] },
  { folder: "packages/dataset/src/plan", except: [] },
];

const impureImports = [/^node:/, /^@grpc\//, /^sharp$/, /^@tensorflow\//];
const impureWords = [
  { pattern: /\bMath\.random\b/, name: "Math.random" },
  { pattern: /\bDate\b(?=\s*[.(])|\bnew Date\b/, name: "Date" },
  { pattern: /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/, name: "a timer" },
  { pattern: /\bperformance\s*\.\s*now\b/, name: "performance.now" },
  { pattern: /\bprocess\s*\./, name: "process" },
];

/** Returns one line for each violation in the clone. */
export function findViolations(root) {
  return Object.keys(mayImport).flatMap((name) =>
    sourcesUnder(root, join("packages", name, "src")).flatMap((path) =>
      violationsIn({ path, package: name, text: readFileSync(join(root, path), "utf8") }),
    ),
  );
}

/** @param {{ path: string, package: string, text: string }} source path: relative to the clone, with slashes */
export function violationsIn({ path, package: name, text }) {
  const isTest = path.endsWith(".test.ts") || /\/(testing|testdata)\//.test(path);
  const imports = importsOf(text);
  return [
    ...imports.flatMap((found) => packageViolation(path, name, found, isTest)),
    ...(isTest ? [] : impurities(path, text, imports)),
  ];
}

function packageViolation(path, name, { specifier, dynamic }, isTest) {
  const [, imported, deep] = /^@lockstep\/([^/]+)(\/.+)?$/.exec(specifier) ?? [];
  if (/^(\.\.\/)+[^/]+\/src\//.test(specifier) || specifier.includes("/packages/")) {
    return [`${path}: imports ${specifier}: import another package by its name`];
  }
  if (imported === undefined) return [];
  if (deep !== undefined && !(isTest && deep === "/testing"))
    return [`${path}: imports ${specifier}: import only from the package's index`];
  if (imported === "testkit")
    return isTest || name === "testkit" ? [] : [`${path}: imports testkit: only tests may import it`];
  const allowed = mayImport[name];
  if (imported !== "errors" && imported !== name && allowed !== "everything" && !allowed.includes(imported)) {
    return [`${path}: imports ${specifier}: ${name} may import ${["errors", ...allowed].join(", ")}`];
  }
  if (!dynamic && onlyDynamic[name]?.includes(imported)) {
    return [`${path}: imports ${specifier}: use await import(), not a static import`];
  }
  return [];
}

function impurities(path, text, imports) {
  const pure = pureSources.find(({ folder }) => path.startsWith(`${folder}/`));
  if (pure === undefined || pure.except.includes(path)) return [];
  const code = withoutComments(text);
  return [
    ...imports
      .filter(({ specifier }) => impureImports.some((pattern) => pattern.test(specifier)))
      .map(({ specifier }) => `${path}: imports ${specifier}: ${pure.folder} is pure`),
    ...impureWords
      .filter(({ pattern }) => pattern.test(code))
      .map(({ name }) => `${path}: uses ${name}: ${pure.folder} is pure; pass it in as a parameter`),
  ];
}

/**
 * Every module that a source imports: statically, by re-export, or dynamically. `import type` counts too, because it
 * also makes the package depend on the other one.
 */
export function importsOf(text) {
  const code = withoutComments(text);
  const fixed = /(?:^|\n|;)\s*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["']([^"']+)["']/g;
  const dynamic = /\b(?:import|require)\s*\(\s*["']([^"']+)["']/g;
  return [
    ...Array.from(code.matchAll(fixed), ([, specifier]) => ({ specifier, dynamic: false })),
    ...Array.from(code.matchAll(dynamic), ([, specifier]) => ({ specifier, dynamic: true })),
  ];
}

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function sourcesUnder(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/"))
    .sort();
}
