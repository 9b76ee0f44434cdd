// Writes the message about a row that names an image a second time (duplicateRowMessage).
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";
import { quoted } from "../labels/quoted.js";

interface NamedImage {
  readonly file: string;
  readonly labels: SampleLabels;
}

/**
 * Says what is wrong and what to do.
 * @param there place of the earlier row, e.g. `on line 3`
 */
export function duplicateRowMessage(schema: LabelSchema, row: NamedImage, earlier: NamedImage, there: string): string {
  const differing = schema.fields.find(({ name }) => row.labels[name] !== earlier.labels[name]);
  if (!differing)
    return `image ${quoted(row.file)} is already named ${there}, with the same labels; delete one of the two rows`;
  const labelText = ({ labels }: NamedImage): string => {
    const value = labels[differing.name] ?? Number.NaN;
    return differing.kind === "class" ? (differing.classes[value] ?? "") : String(value);
  };
  return (
    `image ${quoted(row.file)} is already named ${there}, with another ${differing.column} ` +
    `(${labelText(row)} here, ${labelText(earlier)} there); delete the wrong row`
  );
}
