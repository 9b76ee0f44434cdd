// applyActivation: applies the activation of a fused matrix multiplication or convolution.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";

export interface FusedAttrs {
  readonly activation: string | undefined;
  readonly leakyreluAlpha?: number;
}
export interface FusedInputs {
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

/** Returns the activation of x, and disposes x unless it is the result. */
export function applyActivation(
  torch: TorchBackend,
  x: TensorInfo,
  { preluActivationWeights }: FusedInputs,
  { activation, leakyreluAlpha }: FusedAttrs,
): TensorInfo {
  if (activation === undefined || activation === null || activation === "linear") return x;
  const y = apply();
  torch.discard(x);
  return y;

  function apply(): TensorInfo {
    switch (activation) {
      case "relu":
        return torch.run("Relu", x);
      case "relu6":
        return torch.run("Relu6", x);
      case "elu":
        return torch.run("Elu", x);
      case "sigmoid":
        return torch.run("Sigmoid", x);
      case "leakyrelu":
        return torch.run("LeakyRelu", x, leakyreluAlpha ?? 0.2);
      case "prelu":
        if (preluActivationWeights) return torch.run("Prelu", x, preluActivationWeights);
        throw new Error("torch backend: activation prelu: preluActivationWeights is missing");
      default:
        throw new Error(`torch backend: activation ${activation} is not supported in a fused kernel`);
    }
  }
}
