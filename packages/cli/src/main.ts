// The entry point of `lockstep`: reads the arguments, runs the command, and turns an error into one line and an exit code.
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

/** Errors of the disk and of permissions: a stack trace does not help to solve them. */
const machineFaults = ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EIO", "ESTALE", "EMFILE", "ENFILE"];
const lingerMs = 2_000;
/** The exit code of a health probe is 0 or 1: Docker reserves 2. */
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
 * Ends the process when its work is done, although a connection attempt may still be open. Such an attempt, to the old address of
 * a container or pod that was restarted, lasts for minutes, and grpc-js cannot end it.
 */
function leaveSoon(): void {
  const leave = setTimeout(() => {
    if (process.stdout.writableLength === 0) process.exit(); // otherwise the reader is slow, and the output would be cut off
  }, lingerMs);
  leave.unref();
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // commander has already printed the help, the version or the error.
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

/** @returns one line for an error of this machine; null for every other error */
function machineFault(error: unknown): string | null {
  const found = systemErrorIn(error);
  if (found === null || !machineFaults.includes(found.code)) return null;
  const { path, dest, syscall } = found;
  const places = [path, dest].filter((place) => place !== undefined).join(" -> ");
  return printable(`${places === "" ? "" : `${places}: `}${systemErrorText(found)} (${syscall}, ${found.code})`);
}

/** The message may contain text from another machine. */
function lineOf(error: Error): string {
  return describeError(error).split("\n").map(printable).join("\n");
}
