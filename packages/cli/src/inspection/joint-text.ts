// `jointLines` renders the joint table of all class fields: one field in the columns, the others in the rows. If the table does
// not fit, it shows the cells with the most and the fewest images.
import type { JointTable, LabelCounts } from "@lockstep/dataset-tools";
import { shortened, type TextTable, tableWidth, terminalColumns, textTable } from "@lockstep/report";

/** A longer table is not useful to a reader. */
const maxRows = 60;
const numExtremes = 10;

/** @returns lines; none if there are fewer than two class fields */
export function jointLines({ joint, fields }: Pick<LabelCounts, "joint" | "fields">): string[] {
  if (joint.fields.length < 2) return [];
  const heading = `all labels at once, all parts: ${joint.cells.length} of ${joint.numCells} combinations occur`;
  const table = crossTable(joint, fields);
  const fits = table.rows.length <= maxRows && tableWidth(table) <= terminalColumns;
  return ["", heading, ...(fits ? [textTable(table)] : extremes(joint))];
}

/** Puts the field with the most classes into the columns. */
function crossTable(joint: JointTable, fields: LabelCounts["fields"]): TextTable {
  const classesByField = joint.fields.map((name) => {
    const field = fields.find((candidate) => candidate.name === name);
    return field?.kind === "class" ? field.classes.map((entry) => entry.name) : [];
  });
  const numClasses = classesByField.map((classes) => classes.length);
  const across = numClasses.indexOf(Math.max(...numClasses));
  const columns = classesByField[across] ?? [];
  const rows = new Map<string, Map<string, number>>();
  for (const { classes, images } of joint.cells) {
    const down = classes.filter((_, index) => index !== across).join(", ");
    const row = rows.get(down) ?? new Map<string, number>();
    row.set(classes[across] ?? "", images.all);
    rows.set(down, row);
  }
  return {
    head: ["", ...columns.map((name) => shortened(name, 5))],
    rows: [...rows].map(([name, row]) => [
      shortened(name, 24),
      ...columns.map((column) => String(row.get(column) ?? 0)),
    ]),
    gap: 1, // so that the table of FairFace fits
  };
}

function extremes({ cells }: JointTable): string[] {
  const ordered = cells.toSorted((a, b) => b.images.all - a.images.all);
  const left = Math.max(0, ordered.length - 2 * numExtremes);
  const chosen = left === 0 ? ordered : [...ordered.slice(0, numExtremes), ...ordered.slice(-numExtremes)];
  return [
    ...(left > 0 ? [`  the most frequent and the rarest; ${left} between them are in --json`] : []),
    textTable({
      head: ["", "images"],
      rows: chosen.map(({ classes, images }) => [shortened(classes.join(", "), 66), String(images.all)]),
    }),
  ];
}
