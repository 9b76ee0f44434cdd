// Owns how a coordinator or worker process is asked to end: by signals when started by hand; by its launcher when it has
// one, as the terminal's Ctrl-C reaches every process and only the launcher may act on it.
import { createShutdown, type Log, launcherChannel, type Shutdown } from "@lockstep/service";

export function childShutdown(log: Log, onFirst: (reason: string) => void = () => {}): Shutdown {
  const launcher = launcherChannel();
  const ignored = (): void => {};
  return createShutdown({
    log,
    launcher,
    onFirst,
    host: {
      on: (name, listener) => process.on(name, launcher !== null && name === "SIGINT" ? ignored : listener),
      off: (name, listener) => process.off(name, launcher !== null && name === "SIGINT" ? ignored : listener),
      exit: (code) => process.exit(code),
      nowMs: () => performance.now(),
    },
  });
}
