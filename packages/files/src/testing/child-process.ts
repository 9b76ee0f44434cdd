// Runs a short program in a child process with `runChild`, for tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface TestChild {
  readonly pid: number | undefined;
  /** The next line of the child's stdout. Rejects when the output has ended. */
  line(): Promise<string>;
  /** Resolves when the child has ended. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends SIGKILL. Resolves when the child has ended. */
  kill(): Promise<void>;
}

/**
 * Runs `source`, the text of an ES module, in a new Node process.
 * @param modules variables that the source may use: each is the module at this URL. `files` is always this package.
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
