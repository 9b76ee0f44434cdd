// Chooses with `acceptedFormat` which of the two formats a scraper gets, by its Accept header (RFC 9110, 12.5.1).
// Not negotiator: it compares a type's parameters exactly, and scrapers send versions and escapings that are all answered alike.
import type { Format } from "./exposition.js";

/** The format that serves each range. `text` is the answer to no header, and where both have the same weight. */
const ranges: Readonly<Record<string, Format>> = {
  "application/openmetrics-text": "openMetrics",
  "application/*": "openMetrics",
  "text/plain": "text",
  "text/*": "text",
  "*/*": "text",
};

/** Each format is written in one version, whichever the header names. */
export function acceptedFormat(accept: string | undefined): Format {
  const quality = { text: 0, openMetrics: 0 };
  for (const range of (accept ?? "*/*").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const format = ranges[type];
    if (format === undefined) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const q = weight === undefined ? 1 : Number(weight);
    if (q > quality[format]) quality[format] = q;
  }
  return quality.openMetrics > quality.text ? "openMetrics" : "text";
}
