// Admits, refuses and removes workers: `join` and `removeMember` are the main functions. It assigns slots and
// generations, and detects silent workers. leasing.ts handles the leases of a removed worker.
import { differences, type WireErrorCode } from "@lockstep/protocol";
import type { Draft } from "./draft.js";
import { type JoinClaim, mayGoOnAfter } from "./event.js";
import { dropLeases } from "./leasing.js";
import { type CoreState, type Member, memberOf } from "./state.js";

/** A limit, because each slot becomes a label of metrics: a typing error must not create a million of them. */
const maxSlots = 4096;

interface Refusal {
  readonly code: WireErrorCode;
  readonly message: string;
}

export function join(draft: Draft, claim: JoinClaim, sessionId: string): void {
  const { state, effects, nowMs } = draft;
  const refusal = refusalOf(state, claim);
  if (refusal !== null) {
    effects.push({ type: "refuse", ...refusal });
    return;
  }
  // The same process joins again, for example because its stream broke: its old session ends, its generation stays.
  const earlier = state.members.find(({ instanceId }) => instanceId === claim.instanceId);
  if (earlier !== undefined && earlier.status !== "gone") removeMember(draft, earlier, "its process joined again");
  const slot = slotFor(state, claim, earlier);
  if (slot === null) {
    const message = `slot ${claim.wantedSlot} is taken by a connected worker; use another slot or wait until that worker has left`;
    effects.push({ type: "refuse", code: "slot-taken", message });
    return;
  }
  const mixed = state.reference !== null && !matchesReference(state, claim);
  state.reference ??= { numericsJson: claim.numericsJson, pixelsSha256: claim.pixelsSha256 };
  if (mixed) state.mixedNumerics = true;
  const before = state.members.find((member) => member.slot === slot);
  const isSameProcess = before !== undefined && before.instanceId === claim.instanceId;
  const generation = before === undefined ? 1 : before.generation + (isSameProcess ? 0 : 1);
  const { instanceId, computeThreads, host } = claim;
  const backend = backendIn(claim.numericsJson);
  const member: Member = {
    slot,
    backend,
    generation,
    instanceId,
    sessionId,
    computeThreads,
    host,
    status: "joined",
    left: false,
    lastSeenMs: nowMs,
    roundMs: isSameProcess ? before.roundMs : { train: null, validate: null },
    samplesPerSecond: isSameProcess ? before.samplesPerSecond : null,
  };
  state.members = [...state.members.filter((other) => other.slot !== slot), member].sort((a, b) => a.slot - b.slot);
  effects.push({ type: "admit", sessionId, slot, generation, host, computeThreads, backend, mixed });
}

/**
 * Ends the member's session and drops its leases. After the end of the run no worker is reported as lost: all of them
 * leave.
 */
export function removeMember(draft: Draft, member: Member, reason: string): void {
  member.left = member.status === "draining";
  member.status = "gone";
  if (draft.state.phase.kind === "ended") return;
  const leasesLost = dropLeases(draft, (lease) => lease.sessionId === member.sessionId, reason);
  const { sessionId, slot, generation, left } = member;
  draft.effects.push({ type: "worker-lost", sessionId, slot, generation, reason, leasesLost, left });
}

export function openSession(draft: Draft, sessionId: string): void {
  const member = memberOf(draft.state, sessionId);
  if (member === undefined) return;
  member.lastSeenMs = draft.nowMs;
  if (member.status === "joined") member.status = "attending";
}

export function noteHeartbeat(draft: Draft, sessionId: string): void {
  const member = memberOf(draft.state, sessionId);
  if (member !== undefined) member.lastSeenMs = draft.nowMs;
}

export function drain(draft: Draft, sessionId: string): void {
  const member = memberOf(draft.state, sessionId);
  if (member !== undefined) member.status = "draining";
}

/**
 * Removes workers that were silent for longer than the timeout. A long time between two ticks is a pause of the
 * coordinator itself (a suspended machine, a stopped process). Heartbeats wait unread then, so that time does not count
 * as silence.
 */
export function removeSilentMembers(draft: Draft): void {
  const { state, nowMs } = draft;
  const { heartbeatTimeoutMs } = state.settings;
  const pauseMs = state.lastTickMs === null ? 0 : nowMs - state.lastTickMs;
  if (pauseMs > heartbeatTimeoutMs / 2) for (const member of state.members) member.lastSeenMs += pauseMs;
  for (const member of state.members) {
    if (member.status !== "gone" && nowMs - member.lastSeenMs > heartbeatTimeoutMs) {
      removeMember(draft, member, `silent for ${(nowMs - member.lastSeenMs) / 1000} s`);
    }
  }
}

function slotFor(state: CoreState, claim: JoinClaim, earlier: Member | undefined): number | null {
  const isFree = (slot: number): boolean => !state.members.some((m) => m.slot === slot && m.status !== "gone");
  if (claim.wantedSlot >= 0) return isFree(claim.wantedSlot) ? claim.wantedSlot : null;
  if (earlier !== undefined && isFree(earlier.slot)) return earlier.slot;
  for (let slot = 0; slot < maxSlots; slot++) if (isFree(slot)) return slot;
  return null;
}

/**
 * Null while workers may join. A worker that is refused with `run-over` ends; with `run-stopping` it waits for a later
 * coordinator that resumes the run.
 */
function endOf({ phase, stop }: CoreState): Refusal | null {
  if (phase.kind === "ended") {
    return mayGoOnAfter(phase.outcome)
      ? { code: "run-stopping", message: "the coordinator is ending" }
      : { code: "run-over", message: "the run is over" };
  }
  if (stop === null) return null;
  return stop.mayGoOn
    ? { code: "run-stopping", message: `the coordinator is stopping: ${stop.reason}` }
    : { code: "run-over", message: `the run is stopping: ${stop.reason}` };
}

function refusalOf(state: CoreState, claim: JoinClaim): Refusal | null {
  const { settings, reference } = state;
  if (claim.protocolVersion !== settings.protocolVersion) {
    return {
      code: "protocol-version",
      message: `the worker has protocol version ${claim.protocolVersion}, the coordinator ${settings.protocolVersion}; install the same release on both`,
    };
  }
  const end = endOf(state);
  if (end !== null) return end;
  const malformed = malformedOf(claim);
  if (malformed !== null) return { code: "bad-request", message: malformed };
  for (const [code, field, claimed, expected] of [
    ["run-spec", "run spec", claim.runSpecSha256, settings.runSpecSha256],
    ["dataset-fingerprint", "data set", claim.datasetFingerprint, settings.datasetFingerprint],
    ["layout", "tensor layout", claim.layoutSha256, settings.layoutSha256],
  ] as const) {
    if (claimed !== expected) {
      return { code, message: `the worker's ${field} is ${claimed || "(empty)"}, the run's is ${expected}` };
    }
  }
  if (reference === null || settings.allowMixedNumerics) return null;
  if (claim.numericsJson !== reference.numericsJson) {
    const fields = differences(JSON.parse(reference.numericsJson), JSON.parse(claim.numericsJson));
    const list = fields.map(
      ({ field, before, after }) =>
        `${field || "numerics"}: the run has ${JSON.stringify(before) ?? "none"}, the worker has ${JSON.stringify(after) ?? "none"}`,
    );
    if (list.length > 0) {
      return {
        code: "numerics",
        message: `${list.join("; ")} (--allow-mixed-numerics accepts it, and the run is then not exact)`,
      };
    }
  }
  if (claim.pixelsSha256 !== reference.pixelsSha256) {
    return {
      code: "pixels",
      message: `the worker's decoded pixels are ${claim.pixelsSha256 || "(empty)"}, the run's are ${reference.pixelsSha256} (--allow-mixed-numerics accepts them, and the run is then not exact)`,
    };
  }
  return null;
}

function matchesReference({ reference }: CoreState, claim: JoinClaim): boolean {
  if (reference === null) return true;
  if (claim.pixelsSha256 !== reference.pixelsSha256) return false;
  return differences(JSON.parse(reference.numericsJson), JSON.parse(claim.numericsJson)).length === 0;
}

/** DNS allows names of 253 characters. */
const maxHostCharacters = 256;

function malformedOf(claim: JoinClaim): string | null {
  const { instanceId, computeThreads, wantedSlot, host } = claim;
  if (instanceId.length < 1 || instanceId.length > 64) {
    return `instance_id of ${instanceId.length} characters: must have 1 to 64`;
  }
  if (computeThreads < 1) return `compute_threads ${computeThreads}: must be at least 1`;
  if (wantedSlot < -1 || wantedSlot >= maxSlots) return `wanted_slot ${wantedSlot}: must be -1 to ${maxSlots - 1}`;
  if (host.length > maxHostCharacters)
    return `host of ${host.length} characters: must have at most ${maxHostCharacters}`;
  try {
    JSON.parse(claim.numericsJson);
  } catch {
    return `numerics_json is not JSON: ${claim.numericsJson.slice(0, 80)}`;
  }
  return null;
}

/** The name of the backend, for display only. Comparisons use the numerics as a whole. */
function backendIn(numericsJson: string): string {
  const numerics: unknown = JSON.parse(numericsJson); // malformedOf has checked that it is JSON
  const backend: unknown = typeof numerics === "object" && numerics !== null ? Reflect.get(numerics, "backend") : "";
  return typeof backend === "string" ? backend : "";
}
