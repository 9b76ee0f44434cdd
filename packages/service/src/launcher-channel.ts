// Connects a process to the launcher that started it, over Node's IPC channel, with `launcherChannel`. The launcher may request a stop,
// and the end of the launcher is detected, so that no process is left without one.
import type { ChildProcess } from "node:child_process";
import { z } from "zod";

const launcherMessage = z.strictObject({ type: z.literal("stop"), reason: z.string() });

export interface LauncherChannel {
  /** Called when the launcher requests a stop; at once where it did so before. */
  onStop(listener: (reason: string) => void): void;
  /** Called when the launcher has ended or closed the channel; at once where that happened before. */
  onGone(listener: () => void): void;
}

/** Null when no launcher started this process. The channel does not keep the process from ending. */
export function launcherChannel(): LauncherChannel | null {
  if (process.send === undefined) return null;
  const stop = createAnnouncement<string>();
  const gone = createAnnouncement<void>();
  // A message of another form makes this throw: the process' handler of uncaught exceptions reports it.
  process.on("message", (message) => stop.announce(launcherMessage.parse(message).reason));
  process.once("disconnect", () => gone.announce());
  if (!process.connected) gone.announce();
  process.channel?.unref();
  return { onStop: stop.listen, onGone: gone.listen };
}

/** For the launcher: requests a stop of a process that it started with an IPC channel. False when the process has ended. */
export function sendStop(child: ChildProcess, reason: string): boolean {
  if (!child.connected) return false;
  const message: z.infer<typeof launcherMessage> = { type: "stop", reason };
  child.send(message, () => {}); // the exit of a child that ends in this moment is reported elsewhere
  return true;
}

/** Calls every listener, those that are added later too. */
function createAnnouncement<T>(): { announce(value: T): void; listen(listener: (value: T) => void): void } {
  const listeners: ((value: T) => void)[] = [];
  let announced: { readonly value: T } | null = null;
  return {
    announce(value) {
      if (announced !== null) return;
      announced = { value };
      for (const listener of listeners) listener(value);
    },
    listen(listener) {
      if (announced === null) listeners.push(listener);
      else listener(announced.value);
    },
  };
}
