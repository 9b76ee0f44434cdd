// Writes the PrometheusRule of Kubernetes from deploy/prometheus/rules. Run `node scripts/prometheus-rule.mjs` after a
// change of a rule; a test in test/k8s checks that the two are equal.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const rulesFolder = "deploy/prometheus/rules";
export const rulePath = "k8s/components/monitoring/prometheus-rule.yaml";

/** Returns the text of the file `rulePath`. */
export function prometheusRule() {
  const files = readdirSync(join(root, rulesFolder)).sort();
  const groups = files.flatMap((file) => parse(readFileSync(join(root, rulesFolder, file), "utf8")).groups);
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "lockstep", namespace: "lockstep", labels: { "app.kubernetes.io/name": "lockstep" } },
    spec: { groups },
  };
  return `# Written by \`node scripts/prometheus-rule.mjs\` from ${rulesFolder}, which has the comments.\n${stringify(rule, { lineWidth: 0 })}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, rulePath), prometheusRule());
