// Runs source text in a child process for tests with `runSource`, and reads what it prints line by line.
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface TestChild {
  readonly process: ChildProcess;
  /** The next line of stdout. */
  line(): Promise<string>;
  /** Exit code and signal. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Runs ES module source; it may import this package from `index`, a URL given to it as process.argv[1]. */
export function runSource(source: string, options: { readonly channel: boolean }): TestChild {
  const stdio: StdioOptions = ["ignore", "pipe", "inherit", ...(options.channel ? (["ipc"] as const) : [])];
  const index = new URL("../index.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source, index], { stdio });
  if (child.stdout === null) throw new Error("the child has no stdout");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exit = once(child, "exit");
  return {
    process: child,
    line: async () => {
      const next = await lines.next();
      if (next.done) throw new Error("the child's output has ended");
      return next.value;
    },
    ended: async () => {
      const [code, signal] = await exit;
      return { code, signal };
    },
  };
}
