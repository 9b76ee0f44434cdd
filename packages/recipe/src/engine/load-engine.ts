// loadEngine: chooses and loads an engine, and adds the parts of the fingerprint that all engines share.
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

/** The engines in the order in which `auto` tries them. */
const candidates: readonly EngineCandidate[] = [torchEngine, tensorflowEngine, cpuEngine];

/**
 * Registers a tfjs backend with one native thread, and makes it the current backend of this JavaScript thread. `auto`
 * takes the first available backend, and logs a warning for each unavailable one before it.
 * @throws UserError if the chosen backend is not available on that device
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
  // Turns off tfjs' hint on the console; the warnings below replace it.
  tf.enableProdMode();
  const { candidate, unavailable } = await choose(backend, device);
  const registered = await candidate.register(tf, device);
  await registerGradients();
  if (!(await tf.setBackend(candidate.backend))) throw new Error(`tfjs cannot set backend ${candidate.backend}`);
  for (const warning of registered.warnings ?? []) log.warn({ backend: candidate.backend }, warning);
  for (const description of unavailable) log.warn({ ...description }, messageAbout(description));
  if (candidate === cpuEngine) {
    log.warn(
      { backend: "cpu", howToGetLibtorch },
      `computing in plain JavaScript, thousands of times slower than libtorch; to install libtorch: ${howToGetLibtorch}`,
    );
  }
  const engine = createEngine(candidate, registered, await datasetDecoderVersion());
  log.info({ backend: engine.backend, device: engine.device, numerics: engine.numerics }, "engine loaded");
  return engine;
}

/**
 * Checks that loadEngine would find the backend, without loading it. A command calls it before long work such as
 * decoding images, so that an unavailable backend is reported at once.
 * @throws UserError with the message of loadEngine if the backend is not available on that device
 */
export async function requireBackend(backend: BackendChoice, device: DeviceChoice = "auto"): Promise<void> {
  // With auto for both, the cpu backend is always available.
  if (backend !== "auto" || device !== "auto") await choose(backend, device);
}

/** Describes every engine, and whether it is available on this machine; for `lockstep doctor`. */
export function describeEngines(): Promise<EngineDescription[]> {
  return Promise.all(candidates.map((candidate) => candidate.describe("auto")));
}

function candidateOf(backend: BackendChoice): EngineCandidate {
  const found = candidates.find((candidate) => candidate.backend === backend);
  if (found === undefined) {
    throw new UserError(
      `backend ${backend}: unknown; the backends are auto, ${candidates.map((c) => c.backend).join(", ")} (--backend)`,
    );
  }
  return found;
}

interface Choice {
  readonly candidate: EngineCandidate;
  /** The candidates before it, if the backend is auto. */
  readonly unavailable: readonly EngineDescription[];
}

async function choose(backend: BackendChoice, device: DeviceChoice): Promise<Choice> {
  if (backend === "auto") return await firstAvailable(device);
  const candidate = candidateOf(backend);
  const description = await candidate.describe(device);
  if (!description.available) {
    const isAbsent = device === "auto" || !(await candidate.describe("auto")).available;
    if (isAbsent) throw new UserError(`${messageAbout(description)}; or choose another (--backend)`);
    throw deviceRefusal(device, [description]);
  }
  return { candidate, unavailable: [] };
}

function deviceRefusal(device: DeviceChoice, unavailable: readonly EngineDescription[]): UserError {
  const reasons = unavailable.map(({ backend, detail }) => `backend ${backend}: ${detail}`);
  return new UserError(`device ${device} is not available: ${reasons.join("; ")}; or choose another (--device)`);
}

function messageAbout({ backend, detail }: EngineDescription): string {
  return `backend ${backend} is not available: ${detail}`;
}

async function firstAvailable(device: DeviceChoice): Promise<Choice> {
  const unavailable: EngineDescription[] = [];
  for (const candidate of candidates) {
    const description = await candidate.describe(device);
    if (description.available) return { candidate, unavailable };
    unavailable.push(description);
  }
  throw deviceRefusal(device, unavailable); // only for device cuda: the cpu backend is available on every machine
}

/** A method that a backend may have beyond tfjs' KernelBackend. */
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
      // The torch backend copies the array into its own memory; the other backends keep a reference to it.
      return tf.tensor(backend === "torch" ? values : values.slice(), [...shape], "float32");
    },
    dispose() {
      const factory = tf.findBackendFactory(backend);
      tf.removeBackend(backend);
      tf.registerBackend(backend, factory);
    },
  };
}
