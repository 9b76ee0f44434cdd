// Owns that a recipe's file finds Lockstep's packages wherever it lies: what it imports of them is the very copy that runs it,
// as two copies of tfjs would share no tensors. Done by Node's module hooks, in each thread that loads such a file.
import nodeModule, { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";

const own = "@lockstep/recipe";
let registered = false;

/** @param path of the recipe's file */
export function provideLockstepModules(path: string): void {
  if (registered || resolvesToThisCopy(path)) return;
  // Absent before Node 20.6; a named import of it would keep such a Node from starting at all.
  if (typeof nodeModule.register !== "function") {
    throw new UserError(
      `recipe ${path}: Node ${process.versions.node} cannot load it from there; use Node 20.6 or later`,
    );
  }
  nodeModule.register("./module-hooks.js", import.meta.url);
  registered = true;
}

function resolvesToThisCopy(path: string): boolean {
  const here = fileURLToPath(new URL("../index.js", import.meta.url));
  try {
    return createRequire(path).resolve(own) === here;
  } catch {
    return false;
  }
}
