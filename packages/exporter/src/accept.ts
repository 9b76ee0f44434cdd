// Owns which of the two formats a scraper gets, by its Accept header (RFC 9110, 12.5.1).
import type { Format } from "./exposition.js";

/** What serves each; `text` where nothing is asked for, and where both are equally welcome. */
const ranges: Readonly<Record<string, Format>> = {
  "application/openmetrics-text": "openMetrics",
  "application/*": "openMetrics",
  "text/plain": "text",
  "text/*": "text",
  "*/*": "text",
};

/** Of each format one version is written, whichever is asked for. */
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
