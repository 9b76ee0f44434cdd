// torchDType and dtypeCode: the supported dtypes and their codes in calls of the addon (DTypeCode in
// binding/instance.h).
import type { DataType } from "@tensorflow/tfjs-core";

export type TorchDType = "float32" | "int32" | "bool";

/** The index of a dtype is its code. */
export const dtypes: readonly TorchDType[] = ["float32", "int32", "bool"];

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** Narrows a dtype of TensorFlow.js. @param where named in the message @throws Error if the dtype is not supported */
export function torchDType(dtype: DataType, where: string): TorchDType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`torch backend: ${where}: dtype ${dtype} is not supported; must be float32, int32 or bool`);
}

export function dtypeCode(dtype: DataType, where: string): number {
  return dtypes.indexOf(torchDType(dtype, where));
}

export function emptyHostArray(dtype: TorchDType, length: number): HostArray {
  if (dtype === "float32") return new Float32Array(length);
  return dtype === "int32" ? new Int32Array(length) : new Uint8Array(length);
}

/** The array itself if its type fits the dtype, else a converted copy. */
export function hostArrayOf(dtype: TorchDType, values: ArrayLike<number>): HostArray {
  if (dtype === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === "int32") return values instanceof Int32Array ? values : Int32Array.from(values);
  return values instanceof Uint8Array ? values : Uint8Array.from(values);
}
