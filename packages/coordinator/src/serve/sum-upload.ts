// Receives the upload of one SubmitSum call: `receiveSum`. The header is checked before any tensor is read. Chunks are
// written directly into a pooled buffer. The call is answered once.
import type { ServerReadableStream, sendUnaryData } from "@grpc/grpc-js";
import {
  float32Bytes,
  Pass,
  PhaseSeconds,
  type SubmitSumRequest,
  type SubmitSumResponse,
  type SumHeader,
  TensorAssembler,
  type TensorLayout,
  toServiceError,
  WireError,
} from "@lockstep/protocol";
import type { Conductor } from "../conductor.js";
import { memberOf, type OpenLease } from "../core/state.js";
import { decideSum, type SumOffer } from "../core/sum-decision.js";
import type { BrokenUploads } from "../reduce/broken-uploads.js";
import type { BufferPool } from "../reduce/buffer-pool.js";
import { checkPhaseSeconds } from "./worker-measurements.js";

export interface UploadContext {
  readonly conductor: Conductor;
  readonly layout: TensorLayout;
  readonly pool: BufferPool;
  readonly nowMs: () => number;
  readonly uploads: Pick<BrokenUploads, "markBroken" | "markResumed">;
}

interface Reading {
  readonly header: SumHeader;
  readonly lease: OpenLease;
  readonly buffer: Float32Array | null;
  readonly assembler: TensorAssembler | null;
  readonly startedAtMs: number;
}

export function receiveSum(
  call: ServerReadableStream<SubmitSumRequest, SubmitSumResponse>,
  answer: sendUnaryData<SubmitSumResponse>,
  context: UploadContext,
): void {
  const { conductor, pool, layout } = context;
  let reading: Reading | null = null;
  let settled = false;

  call.on("data", (message: SubmitSumRequest) => guard(() => receive(message)));
  call.on("end", () => guard(complete));
  call.on("cancelled", () => broke("the upload was cut off"));
  call.on("error", (error: Error) => broke(`the upload broke: ${error.message}`));

  function receive({ part }: SubmitSumRequest): void {
    if (part?.$case === "header") {
      if (reading !== null) throw new WireError("bad-request", "the upload has a second header");
      open(part.value);
    } else if (part?.$case === "chunk") {
      if (reading?.assembler == null)
        throw new WireError("bad-request", "the upload has a tensor chunk and no tensor header");
      reading.assembler.add(part.value);
      const { sums } = conductor;
      if (sums !== null) sums.bytesReceived += part.value.data.byteLength;
    } else {
      throw new WireError("bad-request", "the upload has a message that is neither a header nor a chunk");
    }
  }

  function open(header: SumHeader): void {
    const lease = openLease(header);
    if (lease === null) return;
    context.uploads.markResumed(lease);
    if (header.phaseSeconds !== undefined) checkPhaseSeconds(header.phaseSeconds);
    const startedAtMs = context.nowMs();
    if (header.pass !== Pass.TRAIN) {
      if (header.tensors !== undefined) throw new WireError("bad-request", "a validation sum must have no tensors");
      reading = { header, lease, buffer: null, assembler: null, startedAtMs };
      return;
    }
    if (header.tensors === undefined) throw new WireError("bad-request", "a training sum must have a tensor header");
    const buffer = pool.take();
    try {
      const into = float32Bytes(buffer);
      const assembler = new TensorAssembler(header.tensors, { layoutSha256: layout.sha256, into });
      reading = { header, lease, buffer, assembler, startedAtMs };
    } catch (error) {
      pool.give(buffer);
      throw error;
    }
  }

  function complete(): void {
    if (reading === null) throw new WireError("bad-request", "the upload has no header");
    const { header, assembler, buffer, startedAtMs } = reading;
    assembler?.finish();
    // Check again: another worker's sum may have been accepted since the header.
    const lease = openLease(header);
    if (lease === null) return;
    reading = null;
    const member = memberOf(conductor.state, lease.sessionId);
    const contributor = {
      slot: lease.slot,
      generation: member?.generation ?? 0,
      node: lease.node,
      proofs: header.proofs,
      phaseSeconds: header.phaseSeconds ?? PhaseSeconds.create(),
      computeThreads: member?.computeThreads ?? 1,
      grantedAtMs: lease.grantedAtMs,
      uploadStartedAtMs: startedAtMs,
      receivedAtMs: context.nowMs(),
    };
    settled = true;
    const result = conductor.add(contributor, { values: buffer, sums: Float64Array.from(header.sums) });
    answer(null, {
      accepted: result === "accepted",
      reason: result === "accepted" ? "" : "the sum has the node already",
    });
    conductor.settle(lease.leaseId, result);
  }

  /** The open lease of the header. Null when the call was answered because the sum is not needed. */
  function openLease(header: SumHeader): OpenLease | null {
    const decision = decideSum(conductor.state, offerOf(header));
    switch (decision.kind) {
      case "take":
        return decision.lease;
      case "late":
        settle();
        answer(null, { accepted: false, reason: decision.reason });
        return null;
      case "not-finite": {
        const { microBatch, lease } = decision;
        conductor.sumNotFinite(lease, microBatch);
        throw new WireError("not-finite", `micro-batch ${microBatch} of step ${header.step} has a NaN or an infinity`);
      }
      case "refuse":
        throw new WireError(decision.code, decision.message);
    }
  }

  function guard(work: () => void): void {
    if (settled) return;
    try {
      work();
    } catch (error) {
      if (settled) throw error; // the call is answered: this is a bug
      const lease = reading?.lease ?? null;
      settle();
      answer(toServiceError(error));
      if (lease !== null && error instanceof WireError) context.uploads.markBroken(lease, error.message);
      else if (!(error instanceof WireError)) throw error;
    }
  }

  function broke(reason: string): void {
    if (settled) return;
    const lease = reading?.lease ?? null;
    settle();
    if (lease !== null) context.uploads.markBroken(lease, reason);
  }

  function settle(): void {
    settled = true;
    if (reading?.buffer != null) pool.give(reading.buffer);
    reading = null;
  }
}

function offerOf(header: SumHeader): SumOffer {
  const { sessionId, leaseId, coordinatorGeneration, step, weightsDigest, count, proofs } = header;
  return {
    sessionId,
    leaseId,
    coordinatorGeneration,
    pass: header.pass === Pass.TRAIN ? "train" : header.pass === Pass.VALIDATE ? "validate" : null,
    step,
    weightsDigest,
    first: header.firstMicroBatch,
    count,
    proofs,
    numSums: header.sums.length,
  };
}
