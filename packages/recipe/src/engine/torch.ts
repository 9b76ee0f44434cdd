// torchEngine: the engine on libtorch. Its package is loaded when an engine is, as not every command computes.
import type { EngineCandidate } from "./engine.js";

export const howToGetLibtorch =
  "apt-get install libtorch-dev libdnnl-dev libopenblas0-openmp, or pip install torch, or set LIBTORCH; then npm run setup";

const howToGetGpu =
  "a CUDA build of libtorch, NVIDIA's driver, in a container --gpus all; nvidia-smi shows what is there";

/** Its JavaScript is always there; libtorch and the addon may be absent. */
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
      return { backend: "torch", available: false, detail: `libtorch ${libtorch} sees no GPU (${howToGetGpu})` };
    }
    return { backend: "torch", available: true, detail: describe(status.info) };
  },
  async register(_, device) {
    const { registerTorchBackend } = await loadPackage();
    const { device: registered, info, refusedSettings } = await registerTorchBackend({ device });
    return {
      warnings: refusedSettings === null ? [] : [`malloc refuses ${refusedSettings}: memory is mapped more often`],
      device: registered === "cuda" ? (info.cudaDevice ?? registered) : registered,
      numerics: numericsOf(registered, info),
    };
  },
};

/** On every backend: Node's tfjs-core knows no gradient of any operation. Needs no libtorch. */
export async function registerGradients(): Promise<void> {
  (await loadPackage()).registerGradients();
}

/** What decides on the bits. A GPU's say nothing where the processor computes. */
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
