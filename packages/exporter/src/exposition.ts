// Writes the text that Prometheus reads with `Exposition`, by prom-client: the catalogue's metrics with their values, in either format.
import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from "prom-client";
import { catalogue, type MetricDescription, type MetricName } from "./catalogue.js";
import type { Sample } from "./samples.js";

export const formats = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openMetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const;
export type Format = keyof typeof formats;

export class Exposition {
  /** prom-client gives counters other names in OpenMetrics: a metric cannot be in both registries. */
  readonly #sets: Readonly<Record<Format, MetricSet>> = {
    text: createSet("text"),
    openMetrics: createSet("openMetrics"),
  };

  /** Adds to histograms. */
  observe(observations: readonly Sample[]): void {
    for (const { histograms } of Object.values(this.#sets)) {
      for (const { name, labels, value } of observations) histograms.get(name)?.observe({ ...labels }, value);
    }
  }

  /** `samples` are all of the counters and gauges that have a value now. */
  async render(format: Format, samples: readonly Sample[]): Promise<string> {
    const { registry, valued } = this.#sets[format];
    for (const [name, metric] of valued) {
      metric.reset();
      // prom-client would show 0, which nobody has measured.
      if (catalogue[name].labels.length === 0) metric.remove();
    }
    for (const { name, labels, value } of samples) {
      const metric = valued.get(name);
      if (metric instanceof Gauge) metric.set({ ...labels }, value);
      else metric?.inc({ ...labels }, value);
    }
    return registry.metrics();
  }
}

interface MetricSet {
  readonly registry: Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;
  readonly valued: ReadonlyMap<MetricName, Counter | Gauge>;
  readonly histograms: ReadonlyMap<MetricName, Histogram>;
}

function createSet(format: Format): MetricSet {
  const registry = new Registry<PrometheusContentType>();
  if (format === "openMetrics")
    (registry as unknown as Registry<OpenMetricsContentType>).setContentType(formats.openMetrics);
  const valued = new Map<MetricName, Counter | Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  for (const [name, description] of Object.entries(catalogue) as [MetricName, MetricDescription][]) {
    const { type, help, labels, buckets = [] } = description;
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "histogram") histograms.set(name, new Histogram({ ...options, buckets: [...buckets] }));
    else valued.set(name, type === "counter" ? new Counter(options) : new Gauge(options));
  }
  return { registry, valued, histograms };
}
