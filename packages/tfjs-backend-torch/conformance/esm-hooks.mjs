// Owns the module hooks that let Node import the source-like modules of @tensorflow/tfjs-core/dist: ES modules with
// extensionless imports in a package that Node takes for CommonJS. The package's bare name is sent to the same modules,
// so that specs and backend share one copy.
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const dist = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core"));
const distUrl = pathToFileURL(`${dist}/`).href;

// A CommonJS function with properties, which the specs import as a namespace.
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
