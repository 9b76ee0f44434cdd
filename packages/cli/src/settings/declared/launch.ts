// `launchSettings` declares the settings that tell how a run is started and what it writes. Each start of a run may change them.
import { folderToWrite, pathText } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, onOff, onOffOr, positiveNumber, wholeNumber } from "../values.js";

/** A dash names stdin, which is not a path. */
const settingsFile = pathText({ access: "read", kind: "file" }, (path) => (path === "-" ? null : path));

export const launchSettings = {
  cacheDir: setting("folder", "folder for decoded images", folderToWrite.optional(), {
    defaultText: "$XDG_CACHE_HOME/lockstep",
  }),
  out: setting("folder", "the run's folder", folderToWrite.optional(), { defaultText: "runs/<date>-<time>" }),
  resume: setting("", "resume the run in --out; auto: start it if there is none", onOffOr("auto").default(false)),
  workers: setting("count", "number of worker processes", wholeNumber(1, 256).default(2)),
  threads: setting("count", "compute threads of each worker", wholeNumber(1, 256).default(1)),
  backend: setting(
    "name",
    "compute library: auto, torch, tensorflow or cpu",
    choice("auto", "torch", "tensorflow", "cpu").default("auto"),
  ),
  device: setting(
    "name",
    "auto (a GPU if there is one), cpu, or cuda (fails without a GPU)",
    choice("auto", "cpu", "cuda").default("auto"),
  ),
  maxSteps: setting("steps", "stop when the run has made this many updates", wholeNumber(1).optional(), {
    defaultText: "none",
  }),
  checkpointEvery: setting("steps", "also write a checkpoint after every this many steps", wholeNumber(1).optional(), {
    defaultText: "each epoch",
  }),
  keepLast: setting("count", "how many of the newest checkpoints to keep, besides the best", wholeNumber(1).default(3)),
  maxRestarts: setting(
    "count",
    "how often a process may be restarted before the run fails",
    wholeNumber(0).default(10),
  ),
  heartbeatTimeout: setting(
    "seconds",
    "a worker that sends nothing for this long counts as lost",
    positiveNumber(3600).default(5),
  ),
  allowMixedNumerics: setting(
    "",
    "accept workers with other compute libraries; the run is then marked as not exact",
    onOff.default(false),
  ),
  dryRun: setting("", "check everything, show each setting and its origin; start nothing", onOff.default(false)),
  json: setting("", "print the result as one JSON object", onOff.default(false)),
  logLevel: setting(
    "level",
    "least level that stderr shows: trace, debug, info, warn, error, fatal, silent",
    choice("trace", "debug", "info", "warn", "error", "fatal", "silent").default("warn"),
  ),
  logFile: setting(
    "path",
    "append the log to this file, as JSON lines",
    pathText({ access: "append", kind: "file" }).optional(),
    {
      defaultText: "none",
    },
  ),
  config: setting("file", "YAML file of settings (-: stdin); see `lockstep config --help`", settingsFile.optional(), {
    defaultText: "none",
  }),
};
