// The `lockstep` command: reads the arguments, runs a command, turns what went wrong into one line and an exit code.
import {
  describeError,
  exitCode,
  exitCodeOf,
  printable,
  RunFailed,
  systemErrorIn,
  systemErrorText,
  UserError,
} from "@lockstep/errors";
import { ignoresHangUp } from "@lockstep/service";
import { CommanderError } from "commander";
import { forCommander } from "./assemble-program.js";
import { userErrorPrefix } from "./launcher/child.js";
import { handleLostOutput } from "./lost-output.js";
import { createProgram } from "./program.js";

/** Faults of the disk and of permissions that no command expects in this place: a stack would not help anybody to mend them. */
const machineFaults = ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EIO", "ESTALE", "EMFILE", "ENFILE"];
const lingerMs = 2_000;
/** A probe's exit code is 0 or 1: Docker keeps 2 for itself. */
const isProbe = process.argv[2] === "health";
const mistake = isProbe ? exitCode.failure : exitCode.userError;

handleLostOutput(process);
if (ignoresHangUp()) process.on("SIGHUP", () => {});
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

try {
  const args = process.argv.slice(2);
  const program = await createProgram(args);
  await program.parseAsync(forCommander(program, args), { from: "user" });
  leaveSoon();
} catch (error) {
  fail(error);
}

/**
 * All is done, and what is still open is nobody's: a connection attempt to the address that a container or a pod had before its
 * restart lasts for minutes, and grpc-js has no way to end it.
 */
function leaveSoon(): void {
  const leave = setTimeout(() => {
    if (process.stdout.writableLength === 0) process.exit(); // else its reader is slow
  }, lingerMs);
  leave.unref();
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // Help and version have been printed; of anything else commander has said its line.
    process.exitCode = error.exitCode === 0 ? exitCode.ok : mistake;
    return;
  }
  const line = error instanceof UserError || error instanceof RunFailed ? lineOf(error) : machineFault(error);
  if (line !== null) {
    const code = exitCodeOf(error);
    process.stderr.write(`${userErrorPrefix}${line}\n`);
    process.exit(code === exitCode.userError ? mistake : code);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? `\n  cause: ${describeError(error.cause)}` : "";
  process.stderr.write(`lockstep failed: ${stack}${cause}\n`);
  process.exit(exitCode.failure);
}

/** One line for a fault of this machine. Null for every other error. */
function machineFault(error: unknown): string | null {
  const found = systemErrorIn(error);
  if (found === null || !machineFaults.includes(found.code)) return null;
  const { path, dest, syscall } = found;
  const places = [path, dest].filter((place) => place !== undefined).join(" -> ");
  return printable(`${places === "" ? "" : `${places}: `}${systemErrorText(found)} (${syscall}, ${found.code})`);
}

/** It may hold a peer's words. */
function lineOf(error: Error): string {
  return describeError(error).split("\n").map(printable).join("\n");
}
