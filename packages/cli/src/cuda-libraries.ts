// `cudaLibrariesText` turns libtorch's description of its CUDA libraries into one line with cuDNN's real version.

/**
 * @param config as libtorch prints it, e.g. `  - CUDA Runtime 13.0\n  - CuDNN 91.9\n`
 * @returns e.g. `CUDA Runtime 13.0, cuDNN 9.19.0`, without the flags that its kernels were compiled with
 */
export function cudaLibrariesText(config: string): string {
  return config
    .split("\n")
    .map((line) => line.replace(/^[\s-]+/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("NVCC"))
    .map((line) => line.replace(/CuDNN (\d+)\.(\d)(?:\.(\d+))?/, (_, ...parts) => `cuDNN ${cudnnVersion(parts)}`))
    .join(", ");
}

/**
 * libtorch splits cuDNN's number, such as 91900, after the thousands and the hundreds, and omits a last part of 0. Since cuDNN 9
 * the major version is multiplied by 10,000; before, it was multiplied by 1,000.
 */
function cudnnVersion([thousands, hundreds, rest = 0]: readonly unknown[]): string {
  const number = 1000 * Number(thousands) + 100 * Number(hundreds) + Number(rest ?? 0);
  if (number < 90_000) return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 100)}.${number % 100}`;
  return `${Math.floor(number / 10_000)}.${Math.floor((number % 10_000) / 100)}.${number % 100}`;
}
