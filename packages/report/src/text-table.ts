// Lays out a table for a terminal (textTable), with cli-table3: columns two spaces apart unless they are many, no lines, no
// colours; the first column to the left, numbers to the right.
import Table from "cli-table3";

export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Spaces between columns; 2 where absent. */
  readonly gap?: number | undefined;
}

/** Columns of a terminal that a report must fit. */
export const terminalColumns = 80;

/** Several lines, indented by two, without a newline at the end. */
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

/** What textTable would need. */
export function tableWidth({ head, rows, gap = 2 }: TextTable): number {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  return 2 + widths.reduce((total, width) => total + width + gap, -gap);
}

/** Long names would push the numbers out of the terminal. */
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
