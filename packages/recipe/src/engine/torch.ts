// torchEngine: the engine of libtorch. Its package is loaded only when an engine is used, because most commands use
// none.
import type { EngineCandidate } from "./engine.js";

export const howToGetLibtorch =
  "apt-get install libtorch-dev libdnnl-dev libopenblas0-openmp, or pip install torch, or set LIBTORCH; then npm run setup";

const howToGetGpu =
  "it requires a CUDA build of libtorch, NVIDIA's driver, and in a container --gpus all; nvidia-smi lists the GPUs";

/** The package's JavaScript is always installed; libtorch and the native addon may be absent. */
const loadPackage = () => import("@lockstep/tfjs-backend-torch");
type TorchInfo = import("@lockstep/tfjs-backend-torch").TorchInfo;

export const torchEngine: EngineCandidate = {
  backend: "torch",
  async describe(device) {
    const { torchStatus } = await loadPackage();
    const status = torchStatus();
    if (!status.available) return { backend: "torch", available: false, detail: status.reason };
    const { libtorch, cudaDevice } = status.info;
    if (device === "cuda" && cudaDevice === null) {
      return { backend: "torch", available: false, detail: `libtorch ${libtorch} finds no GPU (${howToGetGpu})` };
    }
    return { backend: "torch", available: true, detail: describe(status.info) };
  },
  async register(_, device) {
    const { registerTorchBackend } = await loadPackage();
    const { device: registered, info, refusedSettings } = await registerTorchBackend({ device });
    return {
      warnings:
        refusedSettings === null
          ? []
          : [`malloc refuses ${refusedSettings}: training may be slower, because memory is mapped more often`],
      device: registered === "cuda" ? (info.cudaDevice ?? registered) : registered,
      numerics: numericsOf(registered, info),
    };
  },
};

/** Registers the gradients of tfjs' operations, for every backend: Node's tfjs-core has none. Requires no libtorch. */
export async function registerGradients(): Promise<void> {
  (await loadPackage()).registerGradients();
}

/** The part of the fingerprint that libtorch decides. The GPU's entries are left out if the processor computes. */
function numericsOf(device: "cpu" | "cuda", info: TorchInfo): Record<string, string> {
  const { atenInstructionSet, cudaDevice, cudaDriver, cudaRuntime, cuDnn, ...processor } = info;
  const parts = {
    ...processor,
    instructionSet: atenInstructionSet,
    ...(device === "cuda" ? { cudaDevice, cudaDriver, cudaRuntime, cuDnn } : {}),
  };
  return Object.fromEntries(Object.entries(parts).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function describe(info: TorchInfo): string {
  const device = info.cudaDevice ?? "no CUDA device";
  return `libtorch ${info.libtorch}, oneDNN ${info.oneDnn ?? "absent"}, ${info.blas}, ${info.atenInstructionSet}, ${device}`;
}
