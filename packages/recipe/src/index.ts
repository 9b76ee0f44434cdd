// The package's public exports: declaration of a recipe, the recipe interface, the built-in recipe, and the engines.
export { checkRecipe, type RuleResult } from "./check/check-recipe.js";
export type { CheckOptions } from "./check/checked-recipe.js";
export type {
  AugmentationDeclaration,
  DeclarationContext,
  LabelDeclarations,
  RecipeDeclaration,
} from "./define/declaration.js";
export { defineRecipe, type NetRecipeDeclaration } from "./define/define-recipe.js";
export {
  type BackendChoice,
  type BackendName,
  backendNames,
  type DeviceChoice,
  type Engine,
  type EngineDescription,
} from "./engine/engine.js";
export { describeEngines, loadEngine, requireBackend } from "./engine/load-engine.js";
export { uploadWeights } from "./engine/upload-weights.js";
export { fairfaceRecipe } from "./fairface/fairface-recipe.js";
export type { HeadDeclaration } from "./heads/head.js";
export { greatest, type LossName, type SampleLoss, type SampleScore, softmax } from "./heads/losses.js";
export type { MetricDeclaration } from "./heads/scoring.js";
export type { AugmentationSettings, DrawMaps, Maps } from "./input/augmentation.js";
export { defaultRecipe, type LoadedRecipe, loadRecipe, loadRunRecipe, type RunRecipe } from "./loading/load-recipe.js";
export type { Initialiser } from "./model/initialiser.js";
export type { HeadTensors } from "./model/model-passes.js";
export type { ConvOptions, Net } from "./model/net.js";
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
export { type LayersRecipeDeclaration, layersRecipe, type Tfl } from "./tfjs-layers/layers-recipe.js";
