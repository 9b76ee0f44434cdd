// Owns how the dashboard's panels look: colours, legends, thresholds, what a hole in the data shows. Which panels there
// are, and what they ask, is the rows' business.
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

/** By the dashboard's variable of that name. */
export const datasource = { type: "prometheus", uid: "$datasource" };

export type Panel = StatBuilder | TimeSeriesBuilder;

export interface Query {
  readonly expr: string;
  /** With labels as `{{worker}}`. */
  readonly legend: string;
}

interface PanelOptions {
  readonly title: string;
  /** For who sees the panel for the first time: what it is, and what to conclude. */
  readonly description: string;
  /** Of Grafana's list: `@grafana/grafana-foundation-sdk/units`. */
  readonly unit: string;
  /** Columns of the grid's 24. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly decimals?: number;
  /** Colour from a value on, ascending; the first from minus infinity (`null`). */
  readonly thresholds?: readonly (readonly [from: number | null, colour: Colour])[];
}

type Colour = "green" | "yellow" | "orange" | "red" | "blue" | "text";

export interface StatOptions extends PanelOptions {
  /** Shows the series' legend in place of its value, in that colour: for series that say something by being there. */
  readonly legendColours?: Readonly<Record<string, Colour>>;
  /** Shown in place of zero, in the colour that zero has. */
  readonly zeroText?: string;
  /** A line behind the figure: how it came about. */
  readonly sparkline?: boolean;
}

export interface TimeSeriesOptions extends PanelOptions {
  /** On top of each other: parts of a whole. */
  readonly stacked?: boolean;
  /** Values that span orders of magnitude. */
  readonly logarithmic?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Series, by a pattern of their legends, that are measured on an axis of their own, in that unit. */
  readonly rightAxis?: { readonly legends: string; readonly unit: string };
  /** A series, by its legend, to compare the others with: a dashed line, on top of no other. */
  readonly reference?: string;
}

const statHeight = 4;
const timeSeriesHeight = 8;

/** One figure, as it is now. */
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

/** Figures over time, with their last value and their highest in the legend. */
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

function withShared<Builder extends Panel>(panel: Builder, options: PanelOptions, ask: "range" | "instant"): Builder {
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
    panel.withTarget((ask === "range" ? query.range() : query.instant()).datasource(datasource));
  });
  return panel;
}
