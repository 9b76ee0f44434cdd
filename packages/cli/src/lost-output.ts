// Handles with `handleLostOutput` that nobody reads stdout or stderr any more: a reader such as `head` has left (EPIPE), the
// terminal has closed (EIO), the disk behind a redirection is full (ENOSPC).
import { exitCode } from "@lockstep/errors";
import { isStopHandled } from "@lockstep/service";

const readerHasGone: readonly string[] = ["EPIPE", "EIO", "ECONNRESET", "ENXIO"];

export function handleLostOutput(process: NodeJS.Process): void {
  // Nothing can be reported where stderr is lost; log files are still written.
  process.stderr.on("error", () => {});
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    const isReaderGone = code !== undefined && readerHasGone.includes(code);
    // A process that has work to put in order goes on without output: to exit here would lose its checkpoint.
    if (isReaderGone && !isStopHandled()) process.exit();
    if (isReaderGone) return;
    process.stderr.write(`lockstep: cannot write to standard output: ${message}\n`);
    process.exitCode = exitCode.failure;
  });
}
