// A run's events: followed across the coordinator's restarts, and as Prometheus metrics.
export {
  catalogue,
  type Label,
  type MetricDescription,
  type MetricName,
  outcomes,
  parts,
  passes,
  phases,
  states,
} from "./catalogue.js";
export { followEvents } from "./follow-events.js";
export { type ExporterOptions, runExporter } from "./run-exporter.js";
