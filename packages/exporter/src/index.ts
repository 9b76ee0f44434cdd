// A run's events as Prometheus metrics.
export {
  catalogue,
  type Label,
  type MetricDescription,
  type MetricName,
  outcomes,
  parts,
  phases,
  states,
} from "./catalogue.js";
export { type ExporterOptions, runExporter } from "./run-exporter.js";
