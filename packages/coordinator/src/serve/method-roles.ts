// Owns who may call what: each method's roles, and whether the caller must know the join token. A method that does not stand here
// is answered to nobody.
//
// A worker may not read telemetry: it has no use for it, and a stolen worker's certificate should show no more than it must.
// The token is asked for where a worker comes in. Later calls carry the session that Join has given out, so that a token may
// be changed under a running session. Where there are no certificates the token alone tells who belongs to the run: it is
// asked for by whatever needs no session, too, and the machine's other users neither watch nor stop the run.
import type { Role } from "@lockstep/service";

export interface MethodAccess {
  readonly roles: readonly Role[];
  /** When a caller must know it, where there is one. */
  readonly joinToken: "always" | "without-roles" | "never";
}

const joining: MethodAccess = { roles: ["worker"], joinToken: "always" };
const working: MethodAccess = { roles: ["worker"], joinToken: "never" };
const watching: MethodAccess = { roles: ["exporter", "operator"], joinToken: "without-roles" };
const controlling: MethodAccess = { roles: ["operator"], joinToken: "without-roles" };
const probing: MethodAccess = { roles: ["coordinator", "worker", "exporter", "operator"], joinToken: "never" };

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
  ["/grpc.health.v1.Health/List", probing],
]);
