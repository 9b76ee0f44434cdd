// Owns how the libtorch backend is found. It is an optional native part: imported at run time by name, its types are
// repeated here as far as they are used.
import { describeError, UserError } from "@lockstep/errors";
import type { EngineCandidate } from "./engine.js";

export const howToGetLibtorch =
  "apt-get install libtorch-dev libdnnl-dev libopenblas0-openmp, or pip install torch, or set LIBTORCH; then npm run setup";

const moduleName: string = "@lockstep/tfjs-backend-torch";

interface TorchStatus {
  readonly available: boolean;
  readonly reason?: string;
}

interface TorchInfo {
  readonly device: string;
  readonly numerics: Readonly<Record<string, string | number>>;
}

interface TorchModule {
  torchStatus(): TorchStatus | Promise<TorchStatus>;
  torchInfo(): TorchInfo;
  registerTorchBackend(options?: { readonly device?: string }): Promise<unknown>;
}

export const torchEngine: EngineCandidate = {
  backend: "torch",
  async describe() {
    const found = await findTorch();
    return found.module === null
      ? { backend: "torch", available: false, detail: `${found.reason} (${howToGetLibtorch})` }
      : { backend: "torch", available: true, detail: describe(found.module.torchInfo()) };
  },
  async register() {
    const found = await findTorch();
    if (found.module === null) throw new UserError(`backend torch: ${found.reason} (${howToGetLibtorch})`);
    await found.module.registerTorchBackend();
    const { device, numerics } = found.module.torchInfo();
    return { device, numerics };
  },
};

async function findTorch(): Promise<{ module: TorchModule } | { module: null; reason: string }> {
  let module: TorchModule;
  try {
    module = (await import(moduleName)) as TorchModule; // The package's contract; see docs/architecture.md.
  } catch (error) {
    return { module: null, reason: `not built: ${describeError(error)}` };
  }
  const status = await module.torchStatus();
  return status.available ? { module } : { module: null, reason: status.reason ?? "not available" };
}

function describe({ device, numerics }: TorchInfo): string {
  return [device, ...Object.entries(numerics).map(([name, value]) => `${name} ${value}`)].join(", ");
}
