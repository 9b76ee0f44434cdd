// Owns how a process is asked to end: the first SIGINT or SIGTERM (or the launcher) aborts a signal, and whoever holds
// work finishes or abandons it; the second leaves at once.
import { exitCode } from "@lockstep/errors";
import type { LauncherChannel } from "./launcher-channel.js";
import type { Log } from "./log.js";

/** Why an AbortSignal of a shutdown is aborted; what waits reject with. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

export interface ShutdownOptions {
  readonly log: Log;
  /** Told once, with the reason, when a stop is first asked for. */
  readonly onFirst?: (reason: string) => void;
  /**
   * Its word and its death ask for a stop. SIGINT is left to it then: the terminal's Ctrl-C reaches every process of the
   * run, and the launcher alone decides what follows.
   */
  readonly launcher?: LauncherChannel | null;
  /** Default: the process itself, the monotonic clock. */
  readonly host?: ShutdownHost;
}

export interface ShutdownHost {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
  nowMs(): number;
}

export interface Shutdown {
  /** Aborted with a StopRequested whose message says why. */
  readonly signal: AbortSignal;
  /** Asks for a stop from within; the first reason stays. */
  request(reason: string): void;
  /** Hands the signals back to Node's default. */
  dispose(): void;
}

/**
 * A package runner hands Ctrl-C on to the child that the terminal has told already: a signal so soon after the first
 * is the same key press.
 */
const samePressMs = 300;

const signals = ["SIGINT", "SIGTERM"] as const;

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

  const ignore = (): void => {};
  const handlers = signals.map((name) => ({
    name,
    listener: name === "SIGINT" && launcher ? ignore : () => onSignal(name),
  }));
  for (const { name, listener } of handlers) host.on(name, listener);
  launcher?.onStop(request);
  launcher?.onGone(() => request("the launcher has gone"));

  return {
    signal: controller.signal,
    request,
    dispose: () => {
      for (const { name, listener } of handlers) host.off(name, listener);
    },
  };
}

const processHost: ShutdownHost = {
  on: (signal, listener) => process.on(signal, listener),
  off: (signal, listener) => process.off(signal, listener),
  exit: (code) => process.exit(code),
  nowMs: () => performance.now(),
};
