// Owns who may call what: each method's roles, and whether the caller must know the join token. A method that does not stand here
// is answered to nobody.
//
// A worker may not read telemetry: it has no use for it, and a stolen worker's certificate should show no more than it must.
// The token is asked for where a worker comes in. Later calls carry the session that Join has given out, so that a token may
// be changed under a running session.
import type { Role } from "@lockstep/service";

export interface MethodAccess {
  readonly roles: readonly Role[];
  readonly joinToken: boolean;
}

const joining: MethodAccess = { roles: ["worker"], joinToken: true };
const working: MethodAccess = { roles: ["worker"], joinToken: false };
const watching: MethodAccess = { roles: ["exporter", "operator"], joinToken: false };
const controlling: MethodAccess = { roles: ["operator"], joinToken: false };
const probing: MethodAccess = { roles: ["coordinator", "worker", "exporter", "operator"], joinToken: false };

/** By the path of the method. */
export const methodRoles: ReadonlyMap<string, MethodAccess> = new Map([
  ["/lockstep.v1.Coordinator/GetRun", joining],
  ["/lockstep.v1.Coordinator/Join", joining],
  ["/lockstep.v1.Coordinator/Attend", working],
  ["/lockstep.v1.Coordinator/FetchWeights", working],
  ["/lockstep.v1.Coordinator/SubmitSum", working],
  ["/lockstep.v1.Telemetry/Subscribe", watching],
  ["/lockstep.v1.Telemetry/GetStatus", watching],
  ["/lockstep.v1.Control/Stop", controlling],
  ["/grpc.health.v1.Health/Check", probing],
  ["/grpc.health.v1.Health/Watch", probing],
]);
