// What every process shares: logger, shutdown, connections, health, retries.
export { type Address, formatAddress, parseAddress, staysOnMachine } from "./address.js";
export { type Backoff, type BackoffOptions, backoff, sleep } from "./backoff.js";
export { describeCallFailure } from "./call-failure.js";
export {
  type CertificatesMade,
  type CertificatesOptions,
  defaultHosts,
  initCertificates,
  type MadeCertificate,
} from "./certificates/certificates-folder.js";
export { type CertificateInfo, describeCertificates } from "./certificates/describe-certificates.js";
export { checkListening } from "./check-listening.js";
export { type Connection, type ConnectOptions, connect } from "./connect.js";
export { followStream, type StreamFollower } from "./follow-stream.js";
export { ignoresHangUp } from "./hang-up.js";
export {
  aliveService,
  checkHealth,
  createHealth,
  type Health,
  type HealthQuestion,
  type HealthStatus,
  healthDefinition,
} from "./health.js";
export { type LauncherChannel, launcherChannel, sendStop } from "./launcher-channel.js";
export { type Listener, type ListenOptions, listen, listenForHealth, type ServedService } from "./listen.js";
export { formatLogLine } from "./log-line.js";
export { createLogger, type LoggerOptions, type LogLevel, logLevels, parseLogLevel } from "./logger.js";
export { type ProcessVitals, type VitalsWatch, watchVitals } from "./process-vitals.js";
export { type Refusal, RefusalLog } from "./refusal-log.js";
export { type RetryOptions, retry } from "./retry.js";
export { chooseRunSocket, type RunSocket, runSocketNames } from "./run-socket.js";
export {
  createShutdown,
  isStopHandled,
  type Shutdown,
  type ShutdownHost,
  type ShutdownOptions,
  StopRequested,
} from "./shutdown.js";
export { findJoinToken, type JoinToken } from "./tls/join-token.js";
export { type Role, roleOf, roles } from "./tls/role.js";
export { type TlsRequirement, tlsAs } from "./tls/tls-folder.js";
export type { TlsOptions } from "./tls/tls-identity.js";
