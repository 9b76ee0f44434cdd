// Turns what asks a process to end into one AbortSignal, with `createShutdown`. The first signal of the system (or the launcher)
// aborts it, and whoever holds work then finishes or abandons the work. A second signal ends the process at once.
// SIGHUP alone never counts as a second one: a terminal that closes sends it twice, from the kernel and from the shell.
import { exitCode, type Log } from "@lockstep/errors";
import { ignoresHangUp } from "./hang-up.js";
import type { LauncherChannel } from "./launcher-channel.js";

/** Why an AbortSignal of a shutdown is aborted; what waits reject with. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

export interface ShutdownOptions {
  readonly log: Log;
  /** Called once, with the reason, at the first request to stop. */
  readonly onFirst?: (reason: string) => void;
  /**
   * Where there is one, its message and its end are requests to stop, and the signals of the terminal are left to it: they
   * reach every process of the run, and the launcher alone decides what follows.
   */
  readonly launcher?: LauncherChannel | null;
  /** Default: the process itself, the monotonic clock. */
  readonly host?: ShutdownHost;
}

export interface ShutdownHost {
  /** True where the process was started to outlive its terminal. */
  readonly ignoresHangUp: boolean;
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
  nowMs(): number;
}

export interface Shutdown {
  /** Aborted with a StopRequested whose message is the reason. */
  readonly signal: AbortSignal;
  /** Requests a stop from within; the first reason stays. */
  request(reason: string): void;
  /** Gives the signals back to Node's default. */
  dispose(): void;
}

/**
 * A package runner forwards Ctrl-C to a child that has received it from the terminal already: a signal so soon after the
 * first is the same key press.
 */
const samePressMs = 300;

/** What a terminal sends to all processes in its foreground: Ctrl-C, Ctrl-\, and its end. */
const terminalSignals = ["SIGINT", "SIGQUIT", "SIGHUP"] as const;
const signals = [...terminalSignals, "SIGTERM"] as const;

let numActive = 0;

/** Whether a shutdown is in use: this process has work that a plain exit would lose. */
export function isStopHandled(): boolean {
  return numActive > 0;
}

export function createShutdown(options: ShutdownOptions): Shutdown {
  const { log, onFirst, launcher, host = processHost } = options;
  const controller = new AbortController();
  let firstSignalMs: number | null = null;

  const request = (reason: string): void => {
    if (controller.signal.aborted) return;
    log.info({ reason }, "stopping");
    controller.abort(new StopRequested(reason));
    onFirst?.(reason);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    const nowMs = host.nowMs();
    if (firstSignalMs === null) {
      firstSignalMs = nowMs;
      request(name);
    } else if (nowMs - firstSignalMs > samePressMs) {
      log.warn({ signal: name }, "second signal: leaving at once");
      host.exit(exitCode.interrupted);
    }
  };
  const onHangUp = (): void => {
    if (host.ignoresHangUp)
      log.info({}, "the terminal has closed: going on, as this process was started with SIGHUP ignored");
    else request("SIGHUP");
  };

  const leftToLauncher: readonly string[] = launcher ? terminalSignals : [];
  const handlers = signals.map((name) => {
    const act = name === "SIGHUP" ? onHangUp : () => onSignal(name);
    return { name, listener: leftToLauncher.includes(name) ? () => {} : act };
  });
  for (const { name, listener } of handlers) host.on(name, listener);
  numActive++;
  launcher?.onStop(request);
  launcher?.onGone(() => request("the launcher has gone"));

  return {
    signal: controller.signal,
    request,
    dispose: () => {
      for (const { name, listener } of handlers) host.off(name, listener);
      numActive--;
    },
  };
}

const processHost: ShutdownHost = {
  get ignoresHangUp() {
    return ignoresHangUp();
  },
  on: (signal, listener) => process.on(signal, listener),
  off: (signal, listener) => process.off(signal, listener),
  exit: (code) => process.exit(code),
  nowMs: () => performance.now(),
};
