import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedFormat } from "./accept.js";

const prometheus =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

for (const [accept, format] of [
  [undefined, "text"],
  ["*/*", "text"],
  ["text/html, text/plain", "text"],
  ["image/png", "text"],
  ["application/openmetrics-text", "openMetrics"],
  ["text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.3", "text"],
  ["Application/OpenMetrics-Text; version=1.0.0; Q=0.8, text/plain; q=0.5", "openMetrics"],
  ["application/openmetrics-text;q=0", "text"],
  [prometheus, "openMetrics"],
] as const) {
  test(`Accept: ${accept ?? "(none)"} gets ${format}`, () => assert.equal(acceptedFormat(accept), format));
}
