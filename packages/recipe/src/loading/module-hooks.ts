// resolve: the Node module hook that resolves a recipe's imports of Lockstep and TensorFlow.js to the copies that
// Lockstep itself uses; see lockstep-modules.ts. Node runs it in a thread of its own.
import type { ResolveHook } from "node:module";

const provided = new Set([
  "@lockstep/recipe",
  "@lockstep/dataset",
  "@lockstep/errors",
  "@lockstep/numerics",
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
]);

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  nextResolve(specifier, provided.has(specifier) ? { ...context, parentURL: import.meta.url } : context);
