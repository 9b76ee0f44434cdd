// Finds images of equal bytes (findDuplicates): within a published part, across parts, and labelled differently. Pure.
import { type Dataset, type LabelTable, labelOf, origin, type PartName } from "@lockstep/dataset";

export interface DuplicateImage {
  readonly name: string;
  /** The published one. */
  readonly part: PartName;
  /** By field: the class' name, or the number. */
  readonly labels: Readonly<Record<string, string | number>>;
}

/** Images of the same bytes. */
export interface DuplicateGroup {
  readonly contentSha256: string;
  /** Two or more, in canonical order. */
  readonly images: readonly DuplicateImage[];
  /** Images of more than one part: what is validated on was trained on, unless the split is random. */
  readonly acrossParts: boolean;
  /** Fields that they are labelled differently in. */
  readonly conflicting: readonly string[];
}

type DuplicateInput = Pick<Dataset, "labels" | "origin" | "contentSha256" | "imageName">;

/** In canonical order of the first of each. */
export function findDuplicates(dataset: DuplicateInput): DuplicateGroup[] {
  const byContent = new Map<string, number[]>();
  for (let sample = 0; sample < dataset.labels.numSamples; sample++) {
    const content = dataset.contentSha256(sample);
    const group = byContent.get(content);
    if (group) group.push(sample);
    else byContent.set(content, [sample]);
  }
  return [...byContent].flatMap(([content, samples]) =>
    samples.length > 1 ? [groupOf(dataset, content, samples)] : [],
  );
}

function groupOf(dataset: DuplicateInput, contentSha256: string, samples: readonly number[]): DuplicateGroup {
  const images = samples.map((sample): DuplicateImage => {
    const part = partOfOrigin(dataset.origin[sample] ?? -1);
    return { name: dataset.imageName(sample), part, labels: namedLabels(dataset.labels, sample) };
  });
  const [first] = images;
  return {
    contentSha256,
    images,
    acrossParts: images.some(({ part }) => part !== first?.part),
    conflicting: dataset.labels.schema.fields
      .map(({ name }) => name)
      .filter((name) => images.some(({ labels }) => labels[name] !== first?.labels[name])),
  };
}

/** For people: class names instead of indexes. */
export function namedLabels(table: LabelTable, sample: number): Record<string, string | number> {
  return Object.fromEntries(
    table.schema.fields.map((field) => {
      const value = labelOf(table, field.name, sample);
      return [field.name, field.kind === "class" ? (field.classes[value] ?? String(value)) : value];
    }),
  );
}

function partOfOrigin(code: number): PartName {
  if (code === origin.officialTrain) return "train";
  return code === origin.officialVal ? "val" : "test";
}
