// Owns how the libtorch backend is found. It is an optional native part: imported at run time by name, its types are
// repeated here as far as they are used.
import { describeError, UserError } from "@lockstep/errors";
import type { DeviceChoice, EngineCandidate } from "./engine.js";

export const howToGetLibtorch =
  "apt-get install libtorch-dev libdnnl-dev libopenblas0-openmp, or pip install torch, or set LIBTORCH; then npm run setup";

const howToGetGpu =
  "a CUDA build of libtorch, NVIDIA's driver, in a container --gpus all; nvidia-smi shows what is there";

const moduleName: string = "@lockstep/tfjs-backend-torch";

interface TorchInfo {
  readonly libtorch: string;
  readonly oneDnn: string | null;
  readonly blas: string;
  readonly blasCore: string | null;
  readonly atenInstructionSet: string;
  readonly oneDnnInstructionSet: string | null;
  readonly cudaDevice: string | null;
  readonly cudaLibraries: string | null;
}

interface TorchStatus {
  readonly available: boolean;
  readonly reason?: string;
  readonly info?: TorchInfo;
}

interface TorchModule {
  registerGradients(): void;
  torchStatus(): TorchStatus;
  registerTorchBackend(options: {
    readonly device: DeviceChoice;
  }): Promise<{ readonly device: "cpu" | "cuda"; readonly info: TorchInfo }>;
}

export const torchEngine: EngineCandidate = {
  backend: "torch",
  async describe(device) {
    const found = await findTorch();
    if (found.module === null) return { backend: "torch", available: false, detail: found.reason };
    if (device === "cuda" && found.info.cudaDevice === null) {
      return {
        backend: "torch",
        available: false,
        detail: `libtorch ${found.info.libtorch} sees no GPU (${howToGetGpu})`,
      };
    }
    return { backend: "torch", available: true, detail: describe(found.info) };
  },
  async register(_, device) {
    const found = await findTorch();
    if (found.module === null) throw new UserError(found.reason);
    const { device: registered, info } = await found.module.registerTorchBackend({ device });
    return {
      device: registered === "cuda" ? (info.cudaDevice ?? registered) : registered,
      numerics: numericsOf(registered, info),
    };
  },
};

/**
 * On every backend, for recipes with tfjs ops of their own: Node's tfjs-core knows no gradient of any. The package's
 * JavaScript is always there; its addon is not needed for this.
 */
export async function registerGradients(): Promise<void> {
  const { registerGradients: register } = (await import(moduleName)) as TorchModule; // see findTorch
  register();
}

type Found =
  | { readonly module: TorchModule; readonly info: TorchInfo }
  | { readonly module: null; readonly reason: string };

async function findTorch(): Promise<Found> {
  let module: TorchModule;
  try {
    module = (await import(moduleName)) as TorchModule; // The package's contract; see docs/architecture.md.
  } catch (error) {
    return { module: null, reason: `torch backend: not built: ${describeError(error)} (${howToGetLibtorch})` };
  }
  const { available, reason, info } = module.torchStatus();
  return available && info !== undefined
    ? { module, info }
    : { module: null, reason: reason ?? `torch backend: not available (${howToGetLibtorch})` };
}

/** What decides on the bits. A GPU's say nothing where the processor computes. */
function numericsOf(device: "cpu" | "cuda", info: TorchInfo): Record<string, string> {
  const { libtorch, oneDnn, blas, blasCore, atenInstructionSet, oneDnnInstructionSet, cudaDevice, cudaLibraries } =
    info;
  const parts = {
    libtorch,
    oneDnn,
    blas,
    blasCore,
    instructionSet: atenInstructionSet,
    oneDnnInstructionSet,
    ...(device === "cuda" ? { cudaDevice, cudaLibraries } : {}),
  };
  return Object.fromEntries(Object.entries(parts).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function describe(info: TorchInfo): string {
  const device = info.cudaDevice ?? "no CUDA device";
  return `libtorch ${info.libtorch}, oneDNN ${info.oneDnn ?? "absent"}, ${info.blas}, ${info.atenInstructionSet}, ${device}`;
}
