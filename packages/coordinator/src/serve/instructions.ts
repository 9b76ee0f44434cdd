// Converts effects of the core to the instructions that workers receive: `instructionOf`.
import { type Instruction, Pass } from "@lockstep/protocol";
import type { Effect } from "../core/event.js";

export function instructionOf(
  effect: Extract<Effect, { type: "lease" | "revoke" }>,
  coordinatorGeneration: number,
): Instruction {
  if (effect.type === "revoke") {
    const { leaseId, reason } = effect;
    return { instruction: { $case: "leaseRevoked", value: { leaseId, reason } } };
  }
  const { leaseId, epoch, step, weightsDigest, numMicroBatches, first, count } = effect;
  return {
    instruction: {
      $case: "lease",
      value: {
        leaseId,
        coordinatorGeneration,
        pass: effect.pass === "train" ? Pass.TRAIN : Pass.VALIDATE,
        epoch,
        step,
        weightsDigest,
        numMicroBatches,
        firstMicroBatch: first,
        count,
      },
    },
  };
}
