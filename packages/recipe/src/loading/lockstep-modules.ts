// provideLockstepModules: lets a recipe file in any folder import Lockstep's packages. It gets the copy that is
// running, because two copies of tfjs share no tensors. It uses Node's module hooks, which each thread that loads a
// recipe must register.
import nodeModule, { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";

const own = "@lockstep/recipe";
let registered = false;

/**
 * @param path the recipe's file
 * @throws UserError if this Node is too old to load a recipe from there
 */
export function provideLockstepModules(path: string): void {
  if (registered || resolvesToThisCopy(path)) return;
  // Node before 20.6 has no `register`. With a named import of it, Lockstep would not start on such a Node.
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
