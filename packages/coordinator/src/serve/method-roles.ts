// Lists the roles of each method, and whether its caller must send the join token: `methodRoles`. A method that is not
// in the table is refused to every caller.
//
// Workers may not read telemetry: they do not need it, and a stolen certificate of a worker should give little access.
// GetRun and Join require the token. Later calls of a worker have the session that Join returned, so the token can be
// changed during a session. Without certificates only the token shows that a caller belongs to the run. Then each
// method that needs no session requires it, so that other users of the machine can neither watch nor stop the run.
import type { Role } from "@lockstep/service";

export interface MethodAccess {
  readonly roles: readonly Role[];
  /** When the caller must send the token, if the coordinator has one. */
  readonly joinToken: "always" | "without-roles" | "never";
}

const joining: MethodAccess = { roles: ["worker"], joinToken: "always" };
const working: MethodAccess = { roles: ["worker"], joinToken: "never" };
const watching: MethodAccess = { roles: ["exporter", "operator"], joinToken: "without-roles" };
const controlling: MethodAccess = { roles: ["operator"], joinToken: "without-roles" };
const probing: MethodAccess = { roles: ["coordinator", "worker", "exporter", "operator"], joinToken: "never" };

/** The key is the path of the method. */
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
