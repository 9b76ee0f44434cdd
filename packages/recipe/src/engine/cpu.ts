// Owns tfjs' own plain JavaScript backend: the last resort, there on every machine.
import type { EngineCandidate } from "./engine.js";

export const cpuEngine: EngineCandidate = {
  backend: "cpu",
  async describe(device) {
    return device === "cuda"
      ? { backend: "cpu", available: false, detail: "it computes on the processor alone, whatever GPU there is" }
      : { backend: "cpu", available: true, detail: "tfjs in plain JavaScript, thousands of times slower" };
  },
  async register() {
    const { version_cpu } = await import("@tensorflow/tfjs-backend-cpu");
    // JavaScript's arithmetic is the same everywhere; Math.exp and the like are V8's, which is in the fingerprint.
    return { device: "cpu (JavaScript)", numerics: { tfjsBackendCpu: version_cpu, instructionSet: "javascript" } };
  },
};
