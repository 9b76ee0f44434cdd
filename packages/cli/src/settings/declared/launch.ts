// Declares how a run is started and what it leaves (launchSettings): free to change from one start of a run to the next.
import { folderToWrite, pathText } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, onOff, onOffOr, positiveNumber, wholeNumber } from "../values.js";

/** A dash is stdin and no path. */
const settingsFile = pathText({ access: "read", kind: "file" }, (path) => (path === "-" ? null : path));

export const launchSettings = {
  cacheDir: setting("folder", "decoded images", folderToWrite.optional(), { defaultText: "$XDG_CACHE_HOME/lockstep" }),
  out: setting("folder", "the run's folder", folderToWrite.optional(), { defaultText: "runs/<date>-<time>" }),
  resume: setting(
    "",
    "go on with the run in --out; auto: or start it, if there is none",
    onOffOr("auto").default(false),
  ),
  workers: setting("count", "worker processes", wholeNumber(1, 256).default(2)),
  threads: setting("count", "compute threads in each worker", wholeNumber(1, 256).default(1)),
  backend: setting(
    "name",
    "auto, torch, tensorflow or cpu",
    choice("auto", "torch", "tensorflow", "cpu").default("auto"),
  ),
  device: setting(
    "name",
    "auto: a GPU if there is one; cpu; cuda: that or nothing",
    choice("auto", "cpu", "cuda").default("auto"),
  ),
  maxSteps: setting("steps", "stop once so many updates were made", wholeNumber(1).optional(), { defaultText: "none" }),
  checkpointEvery: setting("steps", "besides those after each epoch", wholeNumber(1).optional(), {
    defaultText: "each epoch",
  }),
  keepLast: setting("count", "checkpoints kept besides the best", wholeNumber(1).default(3)),
  maxRestarts: setting("count", "of each process that dies", wholeNumber(0).default(10)),
  heartbeatTimeout: setting("seconds", "silence after which a worker counts as lost", positiveNumber(3600).default(5)),
  allowMixedNumerics: setting(
    "",
    "let workers compute with other libraries; marks the run not exact",
    onOff.default(false),
  ),
  dryRun: setting("", "check everything, show what each setting is and why; start nothing", onOff.default(false)),
  json: setting("", "the result as one JSON object on stdout", onOff.default(false)),
  logLevel: setting(
    "level",
    "what stderr shows: trace, debug, info, warn, error, silent",
    choice("trace", "debug", "info", "warn", "error", "fatal", "silent").default("warn"),
  ),
  logFile: setting("path", "JSON lines, appended", pathText({ access: "append", kind: "file" }).optional(), {
    defaultText: "none",
  }),
  config: setting("file", "settings in YAML, -: stdin; see `lockstep config --help`", settingsFile.optional(), {
    defaultText: "none",
  }),
};
