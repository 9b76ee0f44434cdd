// Opens data with `--on-bad-image skip` while the process may open only four more files, and prints the error message.
// content-index.test.ts runs this script as a separate process. Arguments: data, cache folder.
import { closeSync, openSync } from "node:fs";
import { openDataset } from "../open-dataset.js";
import { recordingLog } from "./made-folder.js";

const [data = "", cacheDir = ""] = process.argv.slice(2);
const options = { data, cacheDir, log: recordingLog(), onBadImage: "skip" } as const;
await openDataset({ ...options, data: "synthetic:1" }); // loads the modules that are loaded on first use
const opened: number[] = [];
try {
  for (;;) opened.push(openSync(data, "r"));
} catch {
  for (const file of opened.splice(-4)) closeSync(file);
}
const outcome = await openDataset(options).then(
  ({ labels }) => `opened with ${labels.numSamples} images`,
  (error: Error) => error.message,
);
for (const file of opened) closeSync(file);
process.stdout.write(`${outcome}\n`);
