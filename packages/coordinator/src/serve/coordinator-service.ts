// Implements the Coordinator service for workers: `coordinatorService`. It converts messages; the core makes the
// decisions.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { handleServerStreamingCall, ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import {
  type CoordinatorServer,
  CoordinatorService,
  type FetchWeightsRequest,
  type GetRunResponse,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  PROTOCOL_VERSION,
  type TensorLayout,
  toServiceError,
  WireError,
  type WorkerReport,
} from "@lockstep/protocol";
import type { ServedService } from "@lockstep/service";
import type { Conductor } from "../conductor.js";
import { memberOf } from "../core/state.js";
import type { BrokenUploads } from "../reduce/broken-uploads.js";
import type { BufferPool } from "../reduce/buffer-pool.js";
import type { WeightsFeed } from "../reduce/weights-feed.js";
import type { WorkerVitals } from "../tell/worker-vitals.js";
import { boundedText } from "./bounded-text.js";
import { unavailable } from "./readiness-guard.js";
import type { Sessions } from "./sessions.js";
import { receiveSum } from "./sum-upload.js";
import { checkVitals } from "./worker-measurements.js";

export interface CoordinatorServiceContext {
  readonly conductor: Conductor;
  readonly sessions: Sessions;
  readonly run: Pick<GetRunResponse, "runSpecJson" | "runSpecSha256">;
  readonly layout: TensorLayout;
  readonly pool: BufferPool;
  readonly feed: WeightsFeed;
  readonly vitals: WorkerVitals;
  readonly nowMs: () => number;
  readonly heartbeatIntervalMs: number;
  readonly uploads: BrokenUploads;
}

/** The messages of FetchWeights are serialized already. */
const definition = {
  ...CoordinatorService,
  fetchWeights: { ...CoordinatorService.fetchWeights, responseSerialize: (message: Buffer): Buffer => message },
};

type Implementation = Pick<CoordinatorServer, "getRun" | "join" | "attend" | "submitSum"> & {
  fetchWeights: handleServerStreamingCall<FetchWeightsRequest, Buffer>;
};

export function coordinatorService(context: CoordinatorServiceContext): ServedService {
  const { conductor } = context;
  const { coordinatorGeneration, heartbeatTimeoutMs } = conductor.state.settings;
  const implementation: Implementation = {
    getRun: ({ request }, answer) => {
      if (request.protocolVersion !== PROTOCOL_VERSION) {
        const message = `the caller has protocol version ${request.protocolVersion}, the coordinator ${PROTOCOL_VERSION}; install the same release on both`;
        answer(toServiceError(new WireError("protocol-version", message)));
        return;
      }
      answer(null, { protocolVersion: PROTOCOL_VERSION, coordinatorGeneration, ...context.run });
    },
    join: ({ request }, answer) => {
      if (conductor.isEnding) {
        answer(unavailable("the run's last checkpoint is being written; try again"));
        return;
      }
      try {
        answer(null, join(conductor, request, { heartbeatTimeoutMs, intervalMs: context.heartbeatIntervalMs }));
      } catch (error) {
        answer(toServiceError(error));
      }
    },
    attend: (call) => attend(call, context),
    fetchWeights: (call) => {
      sendWeights(call, context).catch((error: unknown) => {
        if (!call.cancelled) call.emit("error", toServiceError(error));
      });
    },
    submitSum: (call, answer) => receiveSum(call, answer, context),
  };
  return { definition, implementation };
}

function join(
  conductor: Conductor,
  request: JoinRequest,
  heartbeat: { readonly heartbeatTimeoutMs: number; readonly intervalMs: number },
): JoinResponse {
  const { settings } = conductor.state;
  const sessionId = randomUUID();
  for (const effect of conductor.dispatch({ type: "join", claim: request, sessionId })) {
    if (effect.type === "refuse") throw new WireError(effect.code, effect.message);
    if (effect.type === "admit") {
      return {
        sessionId,
        slot: effect.slot,
        generation: effect.generation,
        coordinatorGeneration: settings.coordinatorGeneration,
        heartbeatIntervalMs: heartbeat.intervalMs,
        heartbeatTimeoutMs: heartbeat.heartbeatTimeoutMs,
      };
    }
  }
  throw new Error("a join was neither admitted nor refused");
}

function attend(
  call: ServerDuplexStream<WorkerReport, Instruction>,
  { conductor, sessions, vitals }: CoordinatorServiceContext,
): void {
  let sessionId: string | null = null;
  let over = false;

  call.on("data", (message: WorkerReport) => {
    if (over) return;
    try {
      receive(message);
    } catch (error) {
      over = true;
      call.emit("error", toServiceError(error)); // the handler of "error" below runs, too
    }
  });
  call.on("end", () => leave("its session ended"));
  call.on("cancelled", () => leave("its session broke"));
  call.on("error", (error: Error) => leave(`its session broke: ${error.message}`));

  function receive({ report }: WorkerReport): void {
    if (report?.$case === "opened") {
      if (sessionId !== null) throw new WireError("bad-request", "the session is open already");
      open(report.value.sessionId);
      return;
    }
    if (sessionId === null) throw new WireError("bad-request", "the first report must open the session");
    conductor.dispatch({ type: "heartbeat", sessionId });
    switch (report?.$case) {
      case "heartbeat": {
        const { sequence } = report.value;
        checkVitals(report.value);
        vitals.record(sessionId, report.value);
        if (!over) call.write({ instruction: { $case: "heartbeatAck", value: { sequence } } });
        return;
      }
      case "leaseFailed": {
        const { leaseId, reason } = report.value;
        conductor.dispatch({ type: "lease-failed", sessionId, leaseId, reason: boundedText(reason) });
        return;
      }
      case "draining":
        conductor.dispatch({ type: "draining", sessionId, reason: boundedText(report.value.reason) });
        return;
      default:
        throw new WireError("bad-request", "a report of an unknown kind");
    }
  }

  function open(id: string): void {
    if (memberOf(conductor.state, id) === undefined) {
      throw new WireError("unknown-session", "there is no such session, or it has ended; join again");
    }
    sessions.attach(id, {
      send: (instruction) => {
        if (!over) call.write(instruction);
      },
      end: () => {
        if (over) return;
        over = true;
        call.end();
      },
    });
    sessionId = id;
    conductor.dispatch({ type: "session-opened", sessionId: id });
  }

  function leave(reason: string): void {
    if (!over) {
      over = true;
      call.end();
    }
    closeSession(reason);
  }

  function closeSession(reason: string): void {
    if (sessionId === null) return;
    vitals.forget(sessionId);
    conductor.dispatch({ type: "session-closed", sessionId, reason });
    sessionId = null;
  }
}

async function sendWeights(
  call: ServerWritableStream<FetchWeightsRequest, Buffer>,
  { conductor, feed }: Pick<CoordinatorServiceContext, "conductor" | "feed">,
): Promise<void> {
  const { sessionId, coordinatorGeneration, step, weightsDigest } = call.request;
  const own = conductor.state.settings.coordinatorGeneration;
  if (coordinatorGeneration !== own) {
    throw new WireError(
      "stale-generation",
      `the request is for coordinator generation ${coordinatorGeneration}, and this is generation ${own}; join again`,
    );
  }
  if (memberOf(conductor.state, sessionId) === undefined) {
    throw new WireError("unknown-session", "the session has ended; join again");
  }
  const cancelled = new AbortController();
  call.on("cancelled", () => cancelled.abort());
  const requested = { step, digest: weightsDigest };
  const messages = feed.messages(requested);
  for (const message of messages) {
    // After the next commit no worker uses these weights: stop sending them.
    if (feed.version?.digest !== requested.digest)
      throw new WireError("stale-lease", `the weights of step ${step} have changed: the step was committed`);
    const { sums } = conductor;
    if (sums !== null) sums.bytesSent += message.byteLength;
    if (!call.write(message)) await once(call, "drain", { signal: cancelled.signal });
  }
  call.end();
}
