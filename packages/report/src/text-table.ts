// Formats a table as text for a terminal with cli-table3 (textTable): without lines and colours, the first column
// aligned left and the others aligned right.
import Table from "cli-table3";

export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Spaces between columns; default: 2. */
  readonly gap?: number | undefined;
}

/** Width of a terminal in characters; a report is at most this wide. */
export const terminalColumns = 80;

/** Returns several lines, indented by two spaces, without a newline at the end. */
export function textTable({ head, rows, gap = 2 }: TextTable): string {
  const result = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    chars: { ...plainBorders, middle: " ".repeat(gap) },
  });
  for (const row of rows) result.push([...row]);
  return result
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Returns the width in characters of the text that textTable returns. */
export function tableWidth({ head, rows, gap = 2 }: TextTable): number {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  return 2 + widths.reduce((total, width) => total + width + gap, -gap);
}

/** Shortens a name to `columns` characters, because with long names the numbers would not fit into the terminal. */
export function shortened(name: string, columns: number): string {
  return name.length <= columns ? name : `${name.slice(0, columns - 1)}…`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

const plainBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "  ",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
} as const;
