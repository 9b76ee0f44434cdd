#!/usr/bin/env node
// Starts the compiled command; says what to do where it is not compiled yet.
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(fileURLToPath(main))) {
  await import(main.href);
} else {
  console.error("lockstep: not built yet: run `npm run setup` in the clone");
  process.exitCode = 1;
}
