// Owns running a piece of a program in a child process for tests.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface TestChild {
  readonly process: ChildProcess;
  /** The next line of stdout. */
  line(): Promise<string>;
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Runs ES module source in which `index` is this package and `tiny` is tiny-snapshot.ts. */
export function runSource(source: string): TestChild {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const imports = `const index = await import(${url("../index.js")}); const tiny = await import(${url("./tiny-snapshot.js")});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", `${imports}\n${source}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
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
