// Owns every flag of the command line: its spelling, its help, its limits and its default. Which command takes which
// stands beside the command; a flag means the same in all of them.
import type { WrittenForm } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import { defaultHosts } from "@lockstep/service";
import { type Command, Option } from "commander";
import { z } from "zod";
import {
  anyText,
  choice,
  columnMap,
  commaSeparated,
  hostName,
  number,
  optional,
  positiveNumber,
  recipeOptions,
  shareBelowOne,
  sheetSize,
  switchedOn,
  switchOrWord,
  taskWeights,
  wholeNumber,
} from "./flag-values.js";
import { checkpointPath, dataPath, pathText, recipePath, samplingOrFile } from "./path-values.js";

interface Flag<Schema extends z.ZodType> {
  /** As commander reads it, e.g. `--image-size <pixels>`. */
  readonly usage: string;
  readonly help: string;
  readonly schema: Schema;
  /** Shown in the help where the default is found out only later. */
  readonly defaultText?: string;
}

function flag<Schema extends z.ZodType>(usage: string, help: string, schema: Schema, defaultText?: string) {
  const described: Flag<Schema> = { usage, help, schema, ...(defaultText === undefined ? {} : { defaultText }) };
  return described;
}

/** dataset-tools has the same list. It is repeated here because loading that package takes longer than `lockstep health` should. */
export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const satisfies readonly WrittenForm[];

/** A layer of more is a slip of the finger, and would be allocated while the model is read. */
const maxWidth = 1_000_000;

export const flags = {
  // The run spec: what can change a bit of the weights.
  split: flag(
    "--split <kind>",
    "official parts, or 70/15/15 by seed",
    optional(choice("official", "random")),
    "official",
  ),
  subset: flag("--subset <share>", "share of every part that is used, stratified", optional(positiveNumber(1)), "1"),
  seed: flag("--seed <number>", "where all randomness starts", optional(wholeNumber(0, 0xffff_ffff)), "0"),
  sampling: flag(
    "--sampling <kind>",
    "uniform; balanced[:LABEL+…]: each class as often; or a CSV of weights",
    optional(samplingOrFile),
    "uniform",
  ),
  imageSize: flag("--image-size <pixels>", "height and width of the images", optional(wholeNumber(1, 4096)), "64"),
  microBatch: flag("--micro-batch <images>", "unit of work", optional(wholeNumber(1)), "32"),
  globalBatch: flag("--global-batch <images>", "images per step", optional(wholeNumber(1)), "64"),
  epochs: flag("--epochs <count>", "passes over the training part", optional(wholeNumber(1)), "20"),
  earlyStopPatience: flag(
    "--early-stop-patience <epochs>",
    "end after so many without a lower validation loss",
    optional(wholeNumber(1)),
    "never",
  ),
  earlyStopMinDelta: flag("--early-stop-min-delta <loss>", "how much lower counts", optional(number(0)), "0"),
  initFrom: flag(
    "--init-from <path>",
    "start from a run's, a checkpoint's or a .safetensors file's weights",
    optional(pathText({ access: "read", kind: "any" })),
    "seeded",
  ),
  lr: flag("--lr <rate>", "peak learning rate", optional(positiveNumber()), "1e-4"),
  optimizer: flag("--optimizer <name>", "adam, adamw or sgd", optional(choice("adam", "adamw", "sgd")), "adam"),
  beta1: flag("--beta1 <share>", "adam, adamw: of the first moment", optional(shareBelowOne()), "0.9"),
  beta2: flag("--beta2 <share>", "adam, adamw: of the second moment", optional(shareBelowOne()), "0.999"),
  momentum: flag("--momentum <share>", "sgd", optional(shareBelowOne()), "0.9"),
  weightDecay: flag("--weight-decay <factor>", "adamw: decoupled; adam, sgd: L2", optional(number(0)), "0"),
  clipNorm: flag("--clip-norm <norm>", "clip the gradient to this global L2 norm", optional(positiveNumber()), "none"),
  schedule: flag("--schedule <name>", "constant or cosine", optional(choice("constant", "cosine")), "constant"),
  warmupSteps: flag("--warmup-steps <steps>", "linear rise of the learning rate", optional(wholeNumber(0)), "0"),
  finalFraction: flag("--final-fraction <share>", "cosine: the last rate over the peak", optional(number(0, 1)), "0"),
  recipe: flag(
    "--recipe <file>",
    "fairface, a file of yours (./mine.js), or a package",
    optional(recipePath),
    "fairface",
  ),
  recipeOptions: flag(
    "--recipe-options <list>",
    "of a recipe of yours: units=64,sizes=[8,16]",
    optional(recipeOptions),
    "its own",
  ),
  taskWeights: flag("--task-weights <list>", "losses' factors: gender=1,race=1,age=1", optional(taskWeights), "all 1"),
  classWeights: flag(
    "--class-weights <kind>",
    "of the race loss: inverse-frequency or none",
    optional(choice("inverse-frequency", "none")),
    "inverse-frequency",
  ),
  widths: flag(
    "--widths <list>",
    "channels of each block",
    optional(commaSeparated(wholeNumber(1, maxWidth))),
    "32,64,128,256",
  ),
  denseUnits: flag("--dense-units <count>", "width of the dense layer", optional(wholeNumber(1, maxWidth)), "512"),
  dropout: flag("--dropout <share>", "share of dense units dropped", optional(shareBelowOne()), "0.5"),
  augmentation: flag("--no-augmentation", "train on the images as they are", z.boolean().optional()),

  // Launch options: free to change from one life of a run to the next.
  data: flag(
    "--data <path>",
    "folder, .csv, .parquet or .tar of images; or synthetic[:IMAGES]",
    optional(dataPath),
    "synthetic",
  ),
  columns: flag(
    "--columns <list>",
    "where labels stand in other data: race=ethnicity,…",
    optional(columnMap),
    "as named",
  ),
  repairLabels: flag("--repair-labels", "take 03-Sep for 3-9: labels a spreadsheet ate", z.boolean().optional()),
  onBadImage: flag(
    "--on-bad-image <what>",
    "fail, or skip images that are missing or broken",
    optional(choice("fail", "skip")),
    "fail",
  ),
  cacheDir: flag(
    "--cache-dir <folder>",
    "decoded images",
    optional(pathText({ access: "write", kind: "folder" })),
    "$XDG_CACHE_HOME/lockstep",
  ),
  out: flag(
    "--out <folder>",
    "the run's folder",
    optional(pathText({ access: "write", kind: "folder" })),
    "runs/<date>-<time>",
  ),
  requiredOut: flag("--out <folder>", "the run's folder", pathText({ access: "write", kind: "folder" })),
  resume: flag(
    "--resume [auto]",
    "go on with the run in --out; auto: or start it, if there is none",
    switchOrWord("auto").default(false),
  ),
  workers: flag("--workers <count>", "worker processes", wholeNumber(1, 256).default(2), "2"),
  threads: flag("--threads <count>", "compute threads in each worker", wholeNumber(1, 256).default(1), "1"),
  backend: flag(
    "--backend <name>",
    "auto, torch, tensorflow or cpu",
    choice("auto", "torch", "tensorflow", "cpu").default("auto"),
    "auto",
  ),
  device: flag(
    "--device <name>",
    "auto: a GPU if there is one; cpu; cuda: that or nothing",
    choice("auto", "cpu", "cuda").default("auto"),
    "auto",
  ),
  maxSteps: flag("--max-steps <steps>", "stop once so many updates were made", optional(wholeNumber(1)), "none"),
  checkpointEvery: flag(
    "--checkpoint-every <steps>",
    "besides those after each epoch",
    optional(wholeNumber(1)),
    "each epoch",
  ),
  keepLast: flag("--keep-last <count>", "checkpoints kept besides the best", wholeNumber(1).default(3), "3"),
  maxRestarts: flag("--max-restarts <count>", "of each process that dies", wholeNumber(0).default(10), "10"),
  heartbeatTimeout: flag(
    "--heartbeat-timeout <seconds>",
    "silence after which a worker counts as lost",
    positiveNumber(3600).default(5),
    "5",
  ),
  linger: flag(
    "--linger <seconds>",
    "after the run's end, answer late workers for so long, until the expected ones are told",
    optional(positiveNumber(86_400)),
    "none",
  ),
  allowMixedNumerics: flag(
    "--allow-mixed-numerics",
    "let workers compute with other libraries; marks the run not exact",
    switchedOn,
  ),
  dryRun: flag("--dry-run", "check everything, show what each setting is and why; start nothing", switchedOn),
  json: flag("--json", "the result as one JSON object on stdout", switchedOn),
  logLevel: flag(
    "--log-level <level>",
    "what stderr shows: trace, debug, info, warn, error, silent",
    choice("trace", "debug", "info", "warn", "error", "fatal", "silent").default("warn"),
    "warn",
  ),

  // Processes started by hand.
  listen: flag("--listen <address>", "host:port or unix:/path.sock", anyText.default("127.0.0.1:0"), "127.0.0.1:0"),
  metricsListen: flag(
    "--listen <address>",
    "host:port of /metrics and /healthz",
    anyText.default("127.0.0.1:9464"),
    "127.0.0.1:9464",
  ),
  insecure: flag("--insecure", "plain text beyond this machine, with a warning", switchedOn),
  tls: flag(
    "--tls <folder>",
    "ca.crt, tls.crt, tls.key: mutual TLS",
    optional(pathText({ access: "read", kind: "folder" })),
    "none",
  ),
  joinTokenFile: flag(
    "--join-token-file <file>",
    "the cluster's secret",
    optional(pathText({ access: "read", kind: "file" })),
    "join-token in --tls",
  ),
  healthListen: flag("--health-listen <address>", "host:port of plain gRPC health checks", optional(anyText), "none"),
  expectedWorkers: flag(
    "--expected-workers <count>",
    "the first step waits some seconds for so many",
    wholeNumber(1, 256).default(1),
    "1",
  ),
  prepared: flag("--prepared", "the launcher has prepared --out and holds its lock", switchedOn),
  coordinator: flag("--coordinator <address>", "where the coordinator listens", anyText),
  remote: flag("--coordinator <address>", "ask the coordinator there", optional(anyText)),
  reason: flag("--reason <text>", "told to everybody", optional(anyText), "asked to stop by an operator"),
  connectTimeout: flag(
    "--connect-timeout <seconds>",
    "give up when no coordinator has answered for so long",
    optional(positiveNumber(86_400)),
    "none",
  ),
  slot: flag("--slot <index>", "the place to ask for", optional(wholeNumber(0)), "any"),
  logFile: flag(
    "--log-file <path>",
    "JSON lines, appended",
    optional(pathText({ access: "append", kind: "file" })),
    "none",
  ),

  config: flag(
    "--config <file>",
    "settings in YAML; see `lockstep config --help`",
    optional(pathText({ access: "read", kind: "file" })),
    "none",
  ),
  steps: flag("--steps <count>", "optimizer updates that the check makes", wholeNumber(1).default(3), "3"),

  // Certificates.
  hosts: flag(
    "--hosts <list>",
    "names and IP addresses of the coordinator",
    optional(commaSeparated(hostName)),
    defaultHosts.join(","),
  ),
  days: flag("--days <count>", "how long new certificates are valid", wholeNumber(1, 3650).default(365), "365"),
  renew: flag("--renew", "make every certificate anew, by the same CA", switchedOn),

  // Looking at a data set.
  contactSheet: flag(
    "--contact-sheet <file>",
    "also draw some images with their labels, as PNG",
    optional(pathText({ access: "write", kind: "file" })),
  ),
  sheetSize: flag(
    "--sheet-size <rows>x<columns>",
    "of the contact sheet",
    sheetSize.default({ rows: 5, columns: 8 }),
    "5x8",
  ),
  force: flag("--force", "replace a file that exists", switchedOn),

  // Writing a data set.
  outFolder: flag("--out <folder>", "must not exist, or be empty", pathText({ access: "write", kind: "folder" })),
  to: flag("--to <form>", "fairface, csv, parquet or webdataset", choice(...writtenForms)),
  synthForm: flag(
    "--to <form>",
    "fairface, csv, parquet or webdataset",
    choice(...writtenForms).default("fairface"),
    "fairface",
  ),
  shardImages: flag("--shard-images <count>", "in each .parquet or .tar file", optional(wholeNumber(1)), "5000"),
  images: flag("--images <count>", "how many are drawn", wholeNumber(2, 9_999_999)),
  synthSeed: flag("--seed <number>", "1 draws the embedded set", wholeNumber(0, 0xffff_ffff).default(1), "1"),

  // Reading a run.
  part: flag("--part <name>", "val or test", choice("val", "test").default("val"), "val"),
  bootstrap: flag(
    "--bootstrap <count>",
    "resamples behind the intervals; 0: none",
    wholeNumber(0, 100_000).default(1000),
    "1000",
  ),
  predictions: flag(
    "--predictions <file>",
    "also write a CSV with a row an image",
    optional(pathText({ access: "write", kind: "file" })),
  ),
  checkpoint: flag(
    "--checkpoint <which>",
    "best, last, or a checkpoint's folder",
    optional(checkpointPath),
    "best, or last",
  ),
} as const;

export type FlagName = keyof typeof flags;

/** How a process meets others over the network. */
export const securityFlags = ["tls", "joinTokenFile", "insecure"] as const satisfies readonly FlagName[];

export type Options<Name extends FlagName> = { [Key in Name]: z.output<(typeof flags)[Key]["schema"]> };

const flagsByCommand = new WeakMap<Command, FlagName[]>();

/** Those that were added to it by addFlags. */
export function flagsOf(command: Command): readonly FlagName[] {
  return flagsByCommand.get(command) ?? [];
}

interface FlagHelp {
  /** Of their own part of the help. */
  readonly heading?: string;
  /** Where this command has another default than most. */
  readonly defaults?: Partial<Record<FlagName, string>>;
}

export function addFlags(command: Command, names: readonly FlagName[], { heading, defaults }: FlagHelp = {}): Command {
  flagsByCommand.set(command, [...flagsOf(command), ...names]);
  for (const name of names) {
    const { usage, help, ...found }: Flag<z.ZodType> = flags[name];
    const defaultText = defaults?.[name] ?? found.defaultText;
    const option = new Option(usage, defaultText === undefined ? help : `${help} (default: ${defaultText})`);
    command.addOption(heading === undefined ? option : option.helpGroup(heading));
    // commander takes `--no-…` that was not said for a true that was
    if (option.negate) command.setOptionValueWithSource(attributeOf(name), undefined, "default");
  }
  return command;
}

/** @param raw what commander read. @throws UserError that names the first flag that is wrong, its value and its limits */
export function parseOptions<Name extends FlagName>(
  raw: Record<string, unknown>,
  names: readonly Name[],
): Options<Name> {
  const entries = names.map((name) => {
    const { usage, help, schema }: Flag<z.ZodType> = flags[name];
    const spelling = spellingOf(name);
    const given = raw[attributeOf(name)];
    const result = schema.safeParse(given);
    if (result.success) return [name, result.data] as const;
    if (given === undefined) throw new UserError(`${spelling}: is needed (${usage}: ${help})`);
    throw new UserError(`${spelling} ${String(given)}: ${result.error.issues[0]?.message ?? "not understood"}`);
  });
  // Every name of the list has its schema's output: the type says nothing else.
  return Object.fromEntries(entries) as Options<Name>;
}

/** As it is typed: `--image-size`. */
export function spellingOf(name: FlagName): string {
  const { usage } = flags[name];
  return usage.split(" ")[0] ?? usage;
}

/** Without what a flag that turns something off has in front: `image-size`, `augmentation`. */
export function keyOf(name: FlagName): string {
  return spellingOf(name).replace(/^--(no-)?/, "");
}

/** What commander calls its value: `imageSize`. */
export function attributeOf(name: FlagName): string {
  return keyOf(name).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
