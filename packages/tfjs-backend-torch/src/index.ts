// A TensorFlow.js backend on libtorch: registerTorchBackend(), then tf.setBackend("torch"). Kernels that it lacks fail
// by name: nothing falls back to JavaScript. Subnormal numbers are kept (libtorch's default: no flush to zero).
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
