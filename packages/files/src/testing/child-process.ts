// Runs a piece of a program in a child process with `runChild`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface TestChild {
  readonly pid: number | undefined;
  /** The next line of its output. */
  line(): Promise<string>;
  /** How it ended. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** As `kill -9` does. Resolves when it has ended. */
  kill(): Promise<void>;
}

/**
 * Runs ES module source. Each name of `modules` is the module at that URL; `files` is this package.
 */
export function runChild(source: string, modules: Readonly<Record<string, URL>> = {}): TestChild {
  const imports = Object.entries({ files: new URL("../index.js", import.meta.url), ...modules }).map(
    ([name, url]) => `const ${name} = await import(${JSON.stringify(url.href)});`,
  );
  const program = [...imports, source].join("\n");
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exit = once(child, "exit");
  return {
    pid: child.pid,
    async line() {
      const next = await lines.next();
      if (next.done) throw new Error("the child's output has ended");
      return next.value;
    },
    async ended() {
      const [code, signal] = await exit;
      return { code, signal };
    },
    async kill() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}
