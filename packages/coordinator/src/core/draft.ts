// The working copy of one `advance` call: a `Draft` has a copy of the state that may be changed, and the effects so
// far.
import type { Effect } from "./event.js";
import { type CoreState, copyState } from "./state.js";

export interface Draft {
  readonly state: CoreState;
  readonly effects: Effect[];
  readonly nowMs: number;
}

export function draftOf(state: CoreState, nowMs: number): Draft {
  return { state: copyState(state), effects: [], nowMs };
}
