// Owns the line between a process and the launcher that started it (Node's IPC channel): the launcher may ask for a
// stop, and its death is heard, so that nothing is orphaned.
import type { ChildProcess } from "node:child_process";
import { z } from "zod";

const launcherMessage = z.strictObject({ type: z.literal("stop"), reason: z.string() });

export interface LauncherChannel {
  /** The launcher asks for a stop. Heard at once when it asked before anybody listened. */
  onStop(listener: (reason: string) => void): void;
  /** The launcher has died or let go of us. Heard at once when that happened before anybody listened. */
  onGone(listener: () => void): void;
}

/** Null when no launcher started this process. The channel does not keep the process alive. */
export function launcherChannel(): LauncherChannel | null {
  if (process.send === undefined) return null;
  const stop = createAnnouncement<string>();
  const gone = createAnnouncement<void>();
  // A message that is not understood is thrown: it reaches the process' handler of uncaught exceptions.
  process.on("message", (message) => stop.announce(launcherMessage.parse(message).reason));
  process.once("disconnect", () => gone.announce());
  if (!process.connected) gone.announce();
  process.channel?.unref();
  return { onStop: stop.listen, onGone: gone.listen };
}

/** For the launcher: asks a process that it started with an IPC channel to stop. False when the process has gone. */
export function sendStop(child: ChildProcess, reason: string): boolean {
  if (!child.connected) return false;
  const message: z.infer<typeof launcherMessage> = { type: "stop", reason };
  child.send(message, () => {}); // a child that dies in this moment is noticed by its exit
  return true;
}

/** Tells every listener, those that come later too. */
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
