// Copies the folder OUT after each change of it. Each thread of record-states.ts loads this file with --import.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const { OUT = "", STATES = "" } = process.env;
const calls = ["mkdir", "open", "rename", "writeFile", "link", "rm"] as const;
const originals = { ...fs, promises: { ...fs.promises } };

function recordState(path: unknown): void {
  if (!String(path).startsWith(OUT) || !originals.existsSync(OUT)) return;
  originals.cpSync(OUT, join(STATES, String(process.hrtime.bigint())), { recursive: true });
}

for (const call of calls) {
  const later = originals.promises[call] as (...args: unknown[]) => Promise<unknown>;
  Object.assign(fs.promises, {
    async [call](...args: unknown[]) {
      const result = await later(...args);
      recordState(args[0]);
      return result;
    },
  });
  const now = originals[`${call}Sync`] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [`${call}Sync`](...args: unknown[]) {
      const result = now(...args);
      recordState(args[0]);
      return result;
    },
  });
}
syncBuiltinESMExports();
