// stat() and timeSeries() create the dashboard's panels with their common style: colours, legends, thresholds and
// missing data. The rows (run-rows.ts, worker-rows.ts) define the panels and their queries.
import {
  AxisPlacement,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** The data source that the dashboard's variable `datasource` selects. */
export const datasource = { type: "prometheus", uid: "$datasource" };

export type Panel = StatBuilder | TimeSeriesBuilder;

export interface Query {
  readonly expr: string;
  /** May contain labels, such as `{{worker}}`. */
  readonly legend: string;
}

interface PanelOptions {
  readonly title: string;
  /** For a reader who sees the panel for the first time: what it shows, and what to conclude from it. */
  readonly description: string;
  /** One of Grafana's units: `@grafana/grafana-foundation-sdk/units`. */
  readonly unit: string;
  /** Number of columns; the grid has 24. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly decimals?: number;
  /** The colour from each value upwards, ascending; the first value is minus infinity (`null`). */
  readonly thresholds?: readonly (readonly [from: number | null, colour: Colour])[];
}

type Colour = "green" | "yellow" | "orange" | "red" | "blue" | "text";

export interface StatOptions extends PanelOptions {
  /** Shows the legend of the series instead of its value, in this colour: for a series whose existence is the information. */
  readonly legendColours?: Readonly<Record<string, Colour>>;
  /** Shown instead of zero, in the colour of zero. */
  readonly zeroText?: string;
  /** Shows the values over time as a line behind the current value. */
  readonly sparkline?: boolean;
}

export interface TimeSeriesOptions extends PanelOptions {
  /** Stacks the series: they are parts of a whole. */
  readonly stacked?: boolean;
  /** Uses a logarithmic scale, for values that span orders of magnitude. */
  readonly logarithmic?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Shows the series whose legends match the pattern on the right axis, in this unit. */
  readonly rightAxis?: { readonly legends: string; readonly unit: string };
  /** Shows the series with this legend as a dashed line that is not stacked, for comparison with the others. */
  readonly reference?: string;
}

const statHeight = 4;
const timeSeriesHeight = 8;

/** A panel with the current value. */
export function stat(options: StatOptions): StatBuilder {
  const { legendColours, zeroText, sparkline = false } = options;
  const panel = new StatBuilder()
    .height(statHeight)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false))
    .graphMode(sparkline ? BigValueGraphMode.Area : BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .textMode(legendColours === undefined ? BigValueTextMode.Auto : BigValueTextMode.Name)
    .noValue("no data");
  for (const [legend, fixedColor] of Object.entries(legendColours ?? {})) {
    panel.overrideByName(legend, [{ id: "color", value: { mode: FieldColorModeId.Fixed, fixedColor } }]);
  }
  if (zeroText !== undefined) {
    panel.mappings([{ type: MappingType.ValueToText, options: { "0": { text: zeroText } } }]);
  }
  return withShared(panel, options, sparkline ? "range" : "instant");
}

/** A panel with values over time; the legend shows the last and the highest value. */
export function timeSeries(options: TimeSeriesOptions): TimeSeriesBuilder {
  const { stacked = false, logarithmic = false, min, max, rightAxis, reference, thresholds } = options;
  const panel = new TimeSeriesBuilder()
    .height(timeSeriesHeight)
    .lineWidth(1)
    .fillOpacity(stacked ? 40 : 5)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(["lastNotNull", "max"]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"));
  if (logarithmic) panel.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10));
  if (min !== undefined) panel.min(min);
  if (max !== undefined) panel.max(max);
  if (rightAxis !== undefined) {
    panel.overrideByRegexp(rightAxis.legends, [
      { id: "unit", value: rightAxis.unit },
      { id: "custom.axisPlacement", value: AxisPlacement.Right },
    ]);
  }
  if (reference !== undefined) {
    panel.overrideByName(reference, [
      { id: "custom.stacking", value: { mode: StackingMode.None, group: "A" } },
      { id: "custom.fillOpacity", value: 0 },
      { id: "custom.lineStyle", value: { fill: "dash", dash: [8, 8] } },
    ]);
  }
  if (thresholds !== undefined) {
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  return withShared(panel, options, "range");
}

function withShared<Builder extends Panel>(panel: Builder, options: PanelOptions, kind: "range" | "instant"): Builder {
  const { title, description, unit, width, queries, decimals, thresholds = [[null, "text"]] } = options;
  panel.title(title).description(description).unit(unit).span(width).datasource(datasource);
  if (decimals !== undefined) panel.decimals(decimals);
  panel.thresholds(
    new ThresholdsConfigBuilder()
      .mode(ThresholdsMode.Absolute)
      .steps(thresholds.map(([value, color]): Threshold => ({ value, color }))),
  );
  panel.colorScheme(
    new FieldColorBuilder().mode(
      panel instanceof StatBuilder ? FieldColorModeId.Thresholds : FieldColorModeId.PaletteClassic,
    ),
  );
  queries.forEach(({ expr, legend }, index) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(legend);
    panel.withTarget((kind === "range" ? query.range() : query.instant()).datasource(datasource));
  });
  return panel;
}
