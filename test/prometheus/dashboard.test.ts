// The dashboard that Grafana reads is the one that its source gives, and an operator can find their way on it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { dashboardFile, type Panel, panelsOf, readDashboard, root } from "./shipped-expressions.js";

const grafana = join(root, "deploy", "grafana");
const dashboard = await readDashboard();
const panels = panelsOf(dashboard);

test("the dashboard is what its source gives: else run npm run dashboard, and commit it", async () => {
  const source = await import(pathToFileURL(join(grafana, "dist", "dashboard.js")).href);
  assert.equal(await readFile(dashboardFile, "utf8"), `${JSON.stringify(source.lockstepDashboard(), null, 2)}\n`);
});

test("no panel covers another, and none reaches over the grid's edge", () => {
  // The panels of a closed row lie where those of the next row do.
  const layers = [dashboard.panels, ...dashboard.panels.map((panel) => panel.panels ?? [])];
  for (const layer of layers) {
    for (const [index, panel] of layer.entries()) {
      const { x, w } = panel.gridPos;
      assert.ok(x >= 0 && w > 0 && x + w <= 24, `${panel.title}: columns ${x} to ${x + w} of 24`);
      const covered = layer.slice(index + 1).find((other) => overlap(panel, other));
      assert.equal(covered, undefined, `${panel.title} covers ${covered?.title}`);
    }
  }
});

test("every panel has a number of its own, a title, a description, a unit and named queries by the chosen data source", () => {
  const ids = [...dashboard.panels, ...panels].map(({ id }) => id);
  assert.equal(new Set(ids).size, new Set([...dashboard.panels, ...panels]).size);
  for (const { title, description, fieldConfig, datasource, targets = [] } of panels) {
    assert.notEqual(title, "");
    assert.match(description ?? "", /\.$/, title);
    assert.notEqual(fieldConfig?.defaults.unit ?? "", "", title);
    assert.equal(datasource?.uid, "$datasource", title);
    assert.ok(targets.length > 0, title);
    for (const { expr, legendFormat } of targets) {
      assert.notEqual(legendFormat, "", title);
      assert.match(expr, /instance="\$instance"/, `${title}: asks for the chosen run alone`);
    }
  }
});

test("Grafana is provisioned with the data source and the folder of dashboards", async () => {
  const read = async (path: string) => parse(await readFile(join(grafana, "provisioning", path), "utf8"));
  const [source] = (await read("datasources/prometheus.yaml")).datasources;
  assert.deepEqual([source.type, source.url, source.isDefault], ["prometheus", "http://prometheus:9090", true]);
  const scrape = parse(await readFile(join(root, "deploy", "prometheus", "prometheus.yml"), "utf8"));
  assert.equal(source.jsonData.timeInterval, scrape.global.scrape_interval);
  const [provider] = (await read("dashboards/lockstep.yaml")).providers;
  assert.deepEqual([provider.type, provider.options.path], ["file", "/var/lib/grafana/dashboards"]);
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
