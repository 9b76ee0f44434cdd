// Exports: files that kills, full disks, power failures and other processes do not damage.
export { type ByteSource, byteSource, withFileSource } from "./byte-source.js";
export { hasCode } from "./error-code.js";
export { isPathInside, resolveLinks } from "./is-path-inside.js";
export { jsonText, parseJson, readJson, readText, replaceJson } from "./json-file.js";
export { JsonLinesWriter, readJsonLines } from "./json-lines.js";
export {
  acquireLock,
  type LockFile,
  type LockHolder,
  type LockOptions,
  type LockTimes,
  readLockHolder,
} from "./lock-file.js";
export { makeFolder } from "./make-folder.js";
export { identifyProcess, type Liveness, livenessOf, type ProcessIdentity, thisProcess } from "./process-identity.js";
export { type FileWriter, type ReplaceOptions, replaceFile, writeNewFile } from "./replace-file.js";
export { syncFolder } from "./sync-folder.js";
export { removeLeftovers, temporaryPathFor, withTemporaryPath } from "./temporary-path.js";
export { hashAll, readAll, writeAll } from "./write-all.js";
