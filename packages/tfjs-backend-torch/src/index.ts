// The package's public exports: a TensorFlow.js backend on libtorch. Call registerTorchBackend(), then
// tf.setBackend("torch"). Invariants: an operation whose kernel is missing throws, and is never computed in JavaScript
// instead; subnormal numbers are not flushed to zero (libtorch's default).
export type { TorchBackend } from "./backend.js";
export { batchNormReluMaxPool } from "./batch-norm-relu-max-pool.js";
export { registerGradients } from "./gradients/register.js";
export type { NativeMemory } from "./native/addon.js";
export type { TorchInfo } from "./native/torch-info.js";
export {
  registerTorchBackend,
  releasePool,
  type TorchBackendInfo,
  type TorchDevice,
  type TorchStatus,
  torchInfo,
  torchStatus,
} from "./register.js";
