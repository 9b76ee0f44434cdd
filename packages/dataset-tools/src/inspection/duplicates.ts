// Finds images with equal bytes (findDuplicates), and reports whether they are in several parts or have different
// labels. Pure.
import { type Dataset, type LabelTable, labelOf, origin, type PartName } from "@lockstep/dataset";

export interface DuplicateImage {
  readonly name: string;
  /** Part of the official split. */
  readonly part: PartName;
  /** By field: the name of the class, or the number. */
  readonly labels: Readonly<Record<string, string | number>>;
}

/** Images with the same bytes. */
export interface DuplicateGroup {
  readonly contentSha256: string;
  /** Two or more, in canonical order. */
  readonly images: readonly DuplicateImage[];
  /**
   * Whether the images are in more than one part. Then an official split trains on images that it is evaluated on; a
   * random split does not.
   */
  readonly acrossParts: boolean;
  /** Fields in which the labels differ. */
  readonly conflicting: readonly string[];
}

type DuplicateInput = Pick<Dataset, "labels" | "origin" | "contentSha256" | "imageName">;

/** Returns the groups in the canonical order of their first images. */
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

/** Returns the labels of a sample with class names instead of indexes. */
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
