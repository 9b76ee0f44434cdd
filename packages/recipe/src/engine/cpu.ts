// cpuEngine: the engine of tfjs' own backend in plain JavaScript. It is slow, and available on every machine.
import type { EngineCandidate } from "./engine.js";

export const cpuEngine: EngineCandidate = {
  backend: "cpu",
  async describe(device) {
    return device === "cuda"
      ? { backend: "cpu", available: false, detail: "it computes only on the processor" }
      : { backend: "cpu", available: true, detail: "tfjs in plain JavaScript, thousands of times slower" };
  },
  async register() {
    const { version_cpu } = await import("@tensorflow/tfjs-backend-cpu");
    // JavaScript's arithmetic is the same on every machine. Functions such as Math.exp depend on V8, whose version is
    // in the fingerprint.
    return { device: "cpu (JavaScript)", numerics: { tfjsBackendCpu: version_cpu, instructionSet: "javascript" } };
  },
};
