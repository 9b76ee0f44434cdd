// Exports: counter-based randomness, the tree sum, vector operations, optimizers, learning rates, augmentation.
export { CounterRandom, fillUniform, permutation, type RandomDomain, randomDomain } from "./counter-random.js";
export { learningRateAt, type ScheduleSettings } from "./learning-rate.js";
export { loadNative, type NativeStatus, nativeStatus } from "./native.js";
export {
  createOptimizer,
  type Optimizer,
  type OptimizerLayout,
  type OptimizerSettings,
  type OptimizerState,
  type OptimizerUpdate,
} from "./optimizer.js";
export { type AdamConstants, adamStep, adamwStep, type SgdConstants, sgdStep } from "./optimizer-step.js";
export { type PhiloxCounter, type PhiloxKey, philox4x32 } from "./philox.js";
export { childrenOf, decompose, isNode, parentOf, type TreeNode } from "./tree.js";
export { TreeSum } from "./tree-sum.js";
export { addInto, allFinite, clippingFactor, globalNorm, scaleInto, updateStatistics } from "./vector.js";
export { numericsVersion } from "./version.js";
export { identityAffine, identityColour, type WarpImages, warpImages } from "./warp-images.js";
