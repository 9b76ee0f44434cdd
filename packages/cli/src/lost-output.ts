// `handleLostOutput` handles write errors of stdout and stderr: a reader such as `head` has ended (EPIPE), the terminal is closed
// (EIO), or the disk of a redirection is full (ENOSPC).
import { exitCode } from "@lockstep/errors";
import { isStopHandled } from "@lockstep/service";

const readerHasGone: readonly string[] = ["EPIPE", "EIO", "ECONNRESET", "ENXIO"];

export function handleLostOutput(process: NodeJS.Process): void {
  // If stderr is lost, nothing can be reported; log files are still written.
  process.stderr.on("error", () => {});
  let isReported = false;
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    const isReaderGone = code !== undefined && readerHasGone.includes(code);
    // A process that handles stops continues without output: to exit here would lose its checkpoint.
    if (isReaderGone && !isStopHandled()) process.exit();
    if (isReaderGone || isReported) return;
    isReported = true; // each further write fails too
    process.stderr.write(`lockstep: cannot write to standard output: ${message}\n`);
    process.exitCode = exitCode.failure;
  });
}
