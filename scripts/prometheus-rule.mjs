// Owns that the PrometheusRule of Kubernetes is deploy/prometheus/rules, in other clothes. After a change of a rule:
// `node scripts/prometheus-rule.mjs`; a test under test/k8s holds the two equal.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const rulesFolder = "deploy/prometheus/rules";
export const rulePath = "k8s/components/monitoring/prometheus-rule.yaml";

/** The text of `rulePath`. */
export function prometheusRule() {
  const files = readdirSync(join(root, rulesFolder)).sort();
  const groups = files.flatMap((file) => parse(readFileSync(join(root, rulesFolder, file), "utf8")).groups);
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "lockstep", namespace: "lockstep", labels: { "app.kubernetes.io/name": "lockstep" } },
    spec: { groups },
  };
  return `# Written by \`node scripts/prometheus-rule.mjs\` from ${rulesFolder}, where the reasons stand.\n${stringify(rule, { lineWidth: 0 })}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, rulePath), prometheusRule());
