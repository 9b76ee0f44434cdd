// Words the message about a row that names an image a second time (repetition).
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";
import { quoted } from "../labels/quoted.js";

interface NamedImage {
  readonly file: string;
  readonly labels: SampleLabels;
}

/** What is wrong, and what to do. `there`: where the earlier one stands. */
export function repetition(schema: LabelSchema, row: NamedImage, earlier: NamedImage, there: string): string {
  const differing = schema.fields.find(({ name }) => row.labels[name] !== earlier.labels[name]);
  if (!differing)
    return `image ${quoted(row.file)} already stands ${there}, labelled alike; delete one of the two rows`;
  const said = ({ labels }: NamedImage): string => {
    const value = labels[differing.name] ?? Number.NaN;
    return differing.kind === "class" ? (differing.classes[value] ?? "") : String(value);
  };
  return (
    `image ${quoted(row.file)} already stands ${there} with another ${differing.column} ` +
    `(${said(row)} here, ${said(earlier)} there); delete the wrong row`
  );
}
