// lockstepDashboard() builds the dashboard: its rows in their order, its variables, and the annotations on every panel.
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { datasource } from "./panels.js";
import type { Row } from "./row.js";
import { runRows } from "./run-rows.js";
import { workerRows } from "./worker-rows.js";

const rows: readonly Row[] = [
  runRows.overview,
  runRows.learning,
  runRows.time,
  workerRows.workers,
  workerRows.faults,
  runRows.checkpoints,
  workerRows.processes,
  workerRows.gpus,
];

export function lockstepDashboard(): Dashboard {
  const dashboard = new DashboardBuilder("Lockstep")
    .uid("lockstep")
    .description("A training run: its progress, its losses and metrics, the use of its time, and its faults.")
    .tags(["lockstep"])
    .time({ from: "now-1h", to: "now" })
    .refresh("10s")
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(
      new QueryVariableBuilder("instance")
        .label("Run")
        .description("The exporter of the run")
        .datasource(datasource)
        .query({ query: "label_values(lockstep_up, instance)", refId: "instances" })
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc),
    )
    .annotation(
      mark({
        name: "Alerts",
        expr: 'ALERTS{alertstate="firing", instance="$instance"}',
        title: "{{alertname}}",
        colour: "red",
      }),
    )
    .annotation(
      mark({
        name: "Restarts of the coordinator",
        expr: 'changes(lockstep_coordinator_generation_changes_total{instance="$instance"}[1m]) > 0',
        title: "the coordinator was restarted",
        colour: "orange",
      }),
    );
  let id = 0;
  for (const { title, collapsed = false, panels } of rows) {
    id += 1;
    const row = new RowBuilder(title).id(id).collapsed(collapsed);
    const numbered = panels.map((panel, index) => panel.id(id + 1 + index));
    id += panels.length;
    // In Grafana's format a closed row contains its panels, and the panels of an open row follow it.
    if (collapsed) for (const panel of numbered) row.withPanel(panel);
    dashboard.withRow(row);
    if (!collapsed) for (const panel of numbered) dashboard.withPanel(panel);
  }
  return dashboard.build();
}

function mark(options: {
  readonly name: string;
  readonly expr: string;
  readonly title: string;
  readonly colour: string;
}): AnnotationQueryBuilder {
  const { name, expr, title, colour } = options;
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(colour)
    .expr(expr)
    .titleFormat(title);
}
