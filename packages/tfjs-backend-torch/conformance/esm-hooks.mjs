// resolve and load: Node module hooks that allow the import of the modules in @tensorflow/tfjs-core/dist. They are ES
// modules whose imports have no extension, in a package that Node treats as CommonJS. The package's name resolves to
// the same modules, so that specs and backend share one copy.
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const dist = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core"));
const distUrl = pathToFileURL(`${dist}/`).href;

// The specs import seedrandom as a namespace, but it is a CommonJS function with properties.
const seedrandomShim = `data:text/javascript,${encodeURIComponent(
  `import { createRequire } from "node:module";
   const seedrandom = createRequire(${JSON.stringify(distUrl)})("seedrandom");
   export default seedrandom;
   export const alea = seedrandom.alea;`,
)}`;

export async function resolve(specifier, context, next) {
  if (specifier === "@tensorflow/tfjs-core") return { url: `${distUrl}index.js`, shortCircuit: true };
  if (specifier.startsWith("@tensorflow/tfjs-core/dist/")) {
    return { url: distUrl + specifier.slice("@tensorflow/tfjs-core/dist/".length), shortCircuit: true };
  }
  if (specifier === "seedrandom") return { url: seedrandomShim, shortCircuit: true };
  if (specifier.startsWith(".") && context.parentURL?.startsWith(distUrl)) {
    const path = join(dirname(fileURLToPath(context.parentURL)), specifier);
    const candidates = [`${path}.js`, join(path, "index.js"), path];
    const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
    if (found) return { url: pathToFileURL(found).href, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  return next(url, url.startsWith(distUrl) && url.endsWith(".js") ? { ...context, format: "module" } : context);
}
