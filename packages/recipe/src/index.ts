// What the package offers: the recipe interface, the built-in recipe, and engines to run it on.
export {
  type BackendChoice,
  type BackendName,
  backendNames,
  type Engine,
  type EngineDescription,
  type EngineLog,
} from "./engine/engine.js";
export { describeEngines, loadEngine } from "./engine/load-engine.js";
export { fairfaceRecipe } from "./fairface/fairface-recipe.js";
export type {
  ClassHead,
  EvaluatedHead,
  EvaluationResult,
  MetricRatio,
  MicroBatch,
  MicroBatchKey,
  ModelTensor,
  NumberHead,
  PassConstants,
  Recipe,
  RecipeDefinition,
  Tf,
  TrainingResult,
  Weights,
} from "./recipe.js";
export { loadRecipe } from "./recipes.js";
