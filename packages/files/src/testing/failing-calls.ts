// Makes calls of `node:fs/promises` fail in a test with `failCalls`, as they do on file systems that lack a feature.
import promises, { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import type { TestContext } from "node:test";

type PathCall = "link" | "rename" | "open" | "mkdir" | "chmod" | "rm";

/** Until the test ends, the call rejects with this error code when `applies` returns true for its arguments. */
export function failCalls(
  test: TestContext,
  call: PathCall,
  { code, applies = () => true }: { readonly code: string; readonly applies?: (...args: unknown[]) => boolean },
): void {
  const real = promises[call] as (...args: unknown[]) => Promise<unknown>;
  test.mock.method(promises, call, async (...args: unknown[]) => {
    if (applies(...args)) throw systemError(code, call);
    return real(...args);
  });
  syncBuiltinESMExports();
  test.after(() => {
    test.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

/** Until the test ends, `replacement` is called in place of this method of every open file. */
export async function replaceFileMethod(
  test: TestContext,
  method: "write" | "read" | "sync",
  replacement: (this: unknown, real: (...args: unknown[]) => Promise<unknown>, ...args: unknown[]) => Promise<unknown>,
): Promise<void> {
  const file = await open("/dev/null", "r");
  const prototype = Object.getPrototypeOf(file);
  await file.close();
  const real = prototype[method] as (...args: unknown[]) => Promise<unknown>;
  test.mock.method(prototype, method, function (this: unknown, ...args: unknown[]) {
    return replacement.call(this, real.bind(this), ...args);
  });
}

/** An error that has the form of Node's system errors. */
export function systemError(code: string, call: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call });
}
