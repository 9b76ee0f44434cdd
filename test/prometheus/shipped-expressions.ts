// Owns the list of every PromQL expression that we ship, with where it stands: rules and the dashboard.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const prometheusConfigFile = join(root, "deploy", "prometheus", "prometheus.yml");
export const rulesFolder = join(root, "deploy", "prometheus", "rules");
export const ruleTestsFolder = join(root, "deploy", "prometheus", "tests");
export const dashboardFile = join(root, "deploy", "grafana", "dashboards", "lockstep.json");

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  /** Of a row that is closed. */
  readonly panels?: readonly Panel[];
}

export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export interface Expression {
  /** For people. */
  readonly where: string;
  readonly expression: string;
}

export async function readRules(): Promise<Rule[]> {
  const files = (await yamlFiles(rulesFolder)).map(({ content }) => content as { groups: { rules: Rule[] }[] });
  return files.flatMap(({ groups }) => groups).flatMap(({ rules }) => rules);
}

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readFile(dashboardFile, "utf8"));
}

export async function yamlFiles(folder: string): Promise<{ name: string; content: unknown }[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({ name, content: parse(await readFile(join(folder, name), "utf8")) as unknown })),
  );
}

/** Rows left out, and what they hold put in their place. */
export function panelsOf(dashboard: Dashboard): Panel[] {
  return dashboard.panels.flatMap((panel) => (panel.type === "row" ? (panel.panels ?? []) : [panel]));
}

/** @param window in place of Grafana's `$__rate_interval` @param instance in place of the dashboard's variable */
export function asPromQl(expression: string, { window = "1m", instance = "exporter:9464" } = {}): string {
  return expression.replaceAll("$__rate_interval", window).replaceAll("$instance", instance);
}

export async function shippedExpressions(): Promise<Expression[]> {
  const [rules, dashboard] = await Promise.all([readRules(), readDashboard()]);
  return [
    ...rules.map(({ record, alert, expr }) => ({ where: `rule ${record ?? alert}`, expression: expr })),
    ...panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `panel ${title}`, expression: asPromQl(expr) })),
    ),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `mark ${name}`, expression: asPromQl(expr) })),
    ...dashboard.templating.list.flatMap(({ name, query }) => {
      const [, metric] = /^label_values\((\w+), \w+\)$/.exec(typeof query === "string" ? query : query.query) ?? [];
      return metric === undefined ? [] : [{ where: `variable ${name}`, expression: metric }];
    }),
  ];
}
