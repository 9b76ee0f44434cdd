import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Lease, Pass } from "@lockstep/protocol";
import { advanceSession, openSessionState, type SessionEffect, type SessionEvent } from "./session-state.js";

const transcripts = new URL("../src/testdata/", import.meta.url);

describe("a session", () => {
  for (const file of readdirSync(transcripts).filter((name) => name.startsWith("session-"))) {
    const text = readFileSync(new URL(file, transcripts), "utf8");
    const [title = file] = text.split("\n");
    it(`${file}: ${title.replace("# ", "")}`, () => assert.equal(replay(text), text));
  }
});

/** Applies the events of a transcript, and returns the transcript with the actual reasons and effects. */
function replay(transcript: string): string {
  let state = openSessionState({ silenceTimeoutMs: 1_000 }, 0);
  const lines: string[] = [];
  for (const line of transcript.split("\n")) {
    if (line.startsWith("#")) lines.push(line);
    const event = /^(\d+) (\S+) ?(.*)$/.exec(line);
    if (event === null) continue;
    const [, nowMs = "", type = "", rest = ""] = event;
    lines.push(line);
    const advanced = advanceSession(state, parseEvent(type, rest), Number(nowMs));
    state = advanced.state;
    if (advanced.reason !== null) lines.push(`  : ${advanced.reason}`);
    lines.push(...advanced.effects.map((effect) => `  ${describeEffect(effect)}`));
  }
  lines.push(`= ${state.phase}, holding ${[...state.leases].join(" ") || "nothing"}`, "");
  return lines.join("\n");
}

function parseEvent(type: string, rest: string): SessionEvent {
  const [first = "", ...words] = rest.split(" ");
  const leaseId = Number(first);
  const reason = words.join(" ");
  switch (type) {
    case "lease":
      return { type, lease: leaseOf(leaseId), problem: null };
    case "unfit-lease":
      return { type: "lease", lease: leaseOf(leaseId), problem: reason };
    case "lease-revoked":
    case "lease-failed":
      return { type, leaseId, reason };
    case "lease-closed":
      return { type, leaseId };
    case "finish":
      return { type, completed: first === "completed", mayGoOn: false, reason };
    case "lost":
    case "stop":
      return { type, reason: rest };
    case "heartbeat-ack":
    case "drain-timeout":
    case "tick":
      return { type };
    default:
      throw new Error(`the transcript has an unknown event ${type}`);
  }
}

function leaseOf(leaseId: number): Lease {
  const work = { pass: Pass.TRAIN, epoch: 0, step: 0, numMicroBatches: 4, firstMicroBatch: 0, count: 4 };
  return { leaseId, coordinatorGeneration: 1, weightsDigest: "", ...work };
}

function describeEffect(effect: SessionEffect): string {
  switch (effect.type) {
    case "begin":
      return `begin ${effect.lease.leaseId}`;
    case "drop":
      return `drop ${effect.leaseId}`;
    case "heartbeat":
      return `heartbeat ${effect.sequence}`;
    case "report":
      return `report ${effect.report.$case} ${Object.values(effect.report.value).join(" ")}`;
    case "end": {
      const { end } = effect;
      const kind = end.kind === "finished" ? `finished (${end.completed ? "completed" : "stopped"})` : end.kind;
      return `end ${kind}: ${end.reason}`;
    }
  }
}
