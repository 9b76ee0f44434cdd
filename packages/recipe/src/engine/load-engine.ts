// Owns the choice of the engine and the fingerprint's parts that all engines share.
import { datasetDecoderVersion } from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import { numericsVersion } from "@lockstep/numerics";
import type { KernelBackend } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { cpuEngine } from "./cpu.js";
import type {
  BackendChoice,
  DeviceChoice,
  Engine,
  EngineCandidate,
  EngineDescription,
  RegisteredBackend,
} from "./engine.js";
import { tensorflowEngine } from "./tensorflow.js";
import { howToGetLibtorch, registerGradients, torchEngine } from "./torch.js";

/** In the order in which `auto` tries them. */
const candidates: readonly EngineCandidate[] = [torchEngine, tensorflowEngine, cpuEngine];

/**
 * Registers and sets a tfjs backend with one native thread, for this JavaScript thread. `auto` takes the first that can be
 * had, and says loudly when it falls back. UserError when the chosen one cannot be had, or not on that device.
 */
export async function loadEngine({
  backend,
  device = "auto",
  log,
}: {
  backend: BackendChoice;
  device?: DeviceChoice | undefined;
  log: Log;
}): Promise<Engine> {
  // Silences tfjs' own hint on console; the warnings below take its place.
  tf.enableProdMode();
  const { candidate, passedOver } = await chosen(backend, device);
  const registered = await candidate.register(tf, device);
  await registerGradients();
  if (!(await tf.setBackend(candidate.backend))) throw new Error(`tfjs cannot set backend ${candidate.backend}`);
  for (const warning of registered.warnings ?? []) log.warn({ backend: candidate.backend }, warning);
  for (const description of passedOver) log.warn({ ...description }, absenceOf(description));
  if (candidate === cpuEngine) {
    log.warn(
      { backend: "cpu", howToGetLibtorch },
      `computing in plain JavaScript, thousands of times slower than libtorch; to get it: ${howToGetLibtorch}`,
    );
  }
  const engine = createEngine(candidate, registered, await datasetDecoderVersion());
  log.info({ backend: engine.backend, device: engine.device, numerics: engine.numerics }, "engine loaded");
  return engine;
}

/**
 * Whether loadEngine has what it needs, without loading it: for who would otherwise find out after an hour of decoding.
 * @throws UserError, the same as loadEngine's
 */
export async function requireBackend(backend: BackendChoice, device: DeviceChoice = "auto"): Promise<void> {
  if (backend !== "auto" || device !== "auto") await chosen(backend, device); // without a wish there is always one
}

/** Every engine and whether this machine has it; for `lockstep doctor`. */
export function describeEngines(): Promise<EngineDescription[]> {
  return Promise.all(candidates.map((candidate) => candidate.describe("auto")));
}

function named(backend: BackendChoice): EngineCandidate {
  const found = candidates.find((candidate) => candidate.backend === backend);
  if (found === undefined) {
    throw new UserError(`backend ${backend}: unknown; there are auto, ${candidates.map((c) => c.backend).join(", ")}`);
  }
  return found;
}

interface Chosen {
  readonly candidate: EngineCandidate;
  /** By auto. */
  readonly passedOver: readonly EngineDescription[];
}

async function chosen(backend: BackendChoice, device: DeviceChoice): Promise<Chosen> {
  if (backend === "auto") return await firstAvailable(device);
  const candidate = named(backend);
  const description = await candidate.describe(device);
  if (!description.available) {
    const isAbsent = device === "auto" || !(await candidate.describe("auto")).available;
    if (isAbsent) throw new UserError(`${absenceOf(description)}; or choose another (--backend)`);
    throw deviceRefusal(device, [description]);
  }
  return { candidate, passedOver: [] };
}

function deviceRefusal(device: DeviceChoice, passedOver: readonly EngineDescription[]): UserError {
  const reasons = passedOver.map(({ backend, detail }) => `backend ${backend}: ${detail}`);
  return new UserError(`device ${device} is not available: ${reasons.join("; ")}; or choose another (--device)`);
}

function absenceOf({ backend, detail }: EngineDescription): string {
  return `backend ${backend} is not available: ${detail}`;
}

async function firstAvailable(device: DeviceChoice): Promise<Chosen> {
  const passedOver: EngineDescription[] = [];
  for (const candidate of candidates) {
    const description = await candidate.describe(device);
    if (description.available) return { candidate, passedOver };
    passedOver.push(description);
  }
  throw deviceRefusal(device, passedOver); // the processor is on every machine, a GPU is not
}

/** What a backend may offer beyond tfjs' KernelBackend. */
interface DirectReader {
  readInto?(dataId: object, out: Float32Array): void;
}

function createEngine({ backend }: EngineCandidate, registered: RegisteredBackend, decoder: string): Engine {
  return {
    backend,
    tf,
    device: registered.device,
    numerics: {
      backend,
      device: registered.device,
      dataType: "float32",
      nativeThreads: 1,
      tfjs: tf.version_core,
      v8: process.versions.v8,
      numerics: numericsVersion,
      decoder,
      ...registered.numerics,
    },
    readInto(tensor, out) {
      if (tensor.dtype !== "float32" || tensor.size !== out.length) {
        throw new Error(`readInto: a ${tensor.dtype} tensor of ${tensor.size} elements into ${out.length} of float32`);
      }
      const reader = tf.backend() as KernelBackend & DirectReader;
      if (reader.readInto !== undefined) reader.readInto(tensor.dataId, out);
      else out.set(tensor.dataSync<"float32">());
    },
    upload(values, shape) {
      // libtorch's backend copies when it is written to; the others keep a reference to the array.
      return tf.tensor(backend === "torch" ? values : values.slice(), [...shape], "float32");
    },
    dispose() {
      const factory = tf.findBackendFactory(backend);
      tf.removeBackend(backend);
      tf.registerBackend(backend, factory);
    },
  };
}
