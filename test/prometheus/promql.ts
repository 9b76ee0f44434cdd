// Owns what a PromQL expression asks for: metrics, labels that it matches, labels that it groups or joins by.
import { parser } from "@prometheus-io/lezer-promql";

export interface Selector {
  readonly metric: string;
  /** In braces after the metric. */
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
}

export interface Asked {
  readonly selectors: readonly Selector[];
  /** After by, on, ignoring, group_left and their like. */
  readonly groupedBy: readonly string[];
}

/** @throws when the expression does not parse, or a selector names no metric */
export function askedBy(expression: string): Asked {
  const selectors: { metric: string; matchers: { label: string; value: string }[] }[] = [];
  const groupedBy: string[] = [];
  const text = (node: { readonly from: number; readonly to: number }): string => expression.slice(node.from, node.to);
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`not PromQL at character ${node.from}: ${expression}`);
      if (node.name === "VectorSelector") {
        const name = node.node.getChild("Identifier");
        if (name === null) throw new Error(`${text(node)}: names no metric: ${expression}`);
        selectors.push({ metric: text(name), matchers: [] });
      }
      const parent = node.node.parent?.name;
      if (node.name === "LabelName" && parent === "GroupingLabels") groupedBy.push(text(node));
      if (node.name === "LabelName" && parent === "UnquotedLabelMatcher") {
        const value = node.node.parent?.getChild("StringLiteral");
        if (value === null || value === undefined)
          throw new Error(`${text(node)}: matched with nothing: ${expression}`);
        selectors.at(-1)?.matchers.push({ label: text(node), value: JSON.parse(text(value)) });
      }
    },
  });
  return { selectors, groupedBy };
}
