// commandLineComplaints() checks arguments, variables and the settings file of containers: arguments must be flags of
// the command, their values must fit the rest of the pod, and variables and the file must contain existing settings.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runLockstep } from "@lockstep/testkit";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { type Container, containersOf, type DescribedPod, type Manifest, nameOf, podsIn } from "./manifest.js";
import { root } from "./render.js";

const settings = JSON.parse(readFileSync(join(root, "packages/cli/schema/run.schema.json"), "utf8")) as {
  readonly properties: Readonly<Record<string, unknown>>;
};
const validateSettings = new Ajv({ strict: false, allErrors: true }).compile(settings);
const variables = Object.keys(settings.properties).map((key) => `LOCKSTEP_${key.toUpperCase().replaceAll("-", "_")}`);

export async function commandLineComplaints(documents: readonly Manifest[]): Promise<string[]> {
  const complaints: string[] = settingsComplaints(documents);
  for (const pod of podsIn(documents)) {
    for (const container of containersOf(pod.template.spec)) {
      const found = [
        ...variableComplaints(container),
        ...(container.args === undefined ? [] : await flagComplaints(container.args)),
        ...valueComplaints(container, pod, documents),
      ];
      complaints.push(...found.map((complaint) => `${pod.name}: ${complaint}`));
    }
  }
  return complaints;
}

function settingsComplaints(documents: readonly Manifest[]): string[] {
  return documents
    .filter(({ kind }) => kind === "ConfigMap")
    .flatMap((document) =>
      Object.entries(document.data ?? {}).flatMap(([name, text]) =>
        validateSettings(parse(text))
          ? []
          : (validateSettings.errors ?? []).map(
              ({ instancePath, message, params }) =>
                `${nameOf(document)}: ${name}: ${instancePath} ${message} ${JSON.stringify(params)}`,
            ),
      ),
    );
}

function variableComplaints({ env = [] }: Container): string[] {
  return env.filter(({ name }) => !variables.includes(name)).map(({ name }) => `${name} is not a setting`);
}

async function flagComplaints([command = "", ...args]: readonly string[]): Promise<string[]> {
  const known = await flagsOf(command);
  if (known === null) return [`${command} is not a command`];
  return args
    .map((argument) => argument.split("=")[0] ?? "")
    .filter((flag) => !known.includes(flag))
    .map((flag) => `${command} has no ${flag}`);
}

const flagsByCommand = new Map<string, Promise<readonly string[] | null>>();

function flagsOf(command: string): Promise<readonly string[] | null> {
  const flags = flagsByCommand.get(command) ?? readFlags(command);
  flagsByCommand.set(command, flags);
  return flags;
}

async function readFlags(command: string): Promise<readonly string[] | null> {
  const { code, stdout } = await runLockstep([command, "--help"]);
  if (code !== 0 || !stdout.startsWith(`Usage: lockstep ${command}`)) return null;
  return Array.from(stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm), ([, flag]) => flag ?? "");
}

/** Ports, paths, Services and files that a flag names must exist in the pod or in the overlay. */
function valueComplaints(
  { args = [], ports = [], volumeMounts = [] }: Container,
  { template: { spec } }: DescribedPod,
  documents: readonly Manifest[],
): string[] {
  const flagValue = (flag: string) => args.find((argument) => argument.startsWith(`${flag}=`))?.slice(flag.length + 1);
  const complaints: string[] = [];
  for (const flag of ["--listen", "--health-listen"]) {
    const port = flagValue(flag)?.split(":").at(-1);
    if (port !== undefined && !ports.some(({ containerPort }) => String(containerPort) === port)) {
      complaints.push(`${flag}: ${port} is not a port of the container`);
    }
  }
  for (const flag of ["--tls", "--cache-dir"]) {
    const path = flagValue(flag);
    if (path !== undefined && !volumeMounts.some(({ mountPath }) => mountPath === path)) {
      complaints.push(`${flag}: ${path} is not a mounted volume`);
    }
  }
  const coordinator = flagValue("--coordinator");
  const addresses = documents.flatMap(({ kind, metadata, spec }) =>
    kind === "Service" ? (spec?.ports ?? []).map(({ port }) => `${metadata.name}:${port}`) : [],
  );
  if (coordinator !== undefined && !addresses.includes(coordinator)) {
    complaints.push(`--coordinator: ${coordinator} is not a Service`);
  }
  const config = flagValue("--config");
  if (config !== undefined)
    complaints.push(...configComplaints(config, { volumeMounts, volumes: spec.volumes }, documents));
  return complaints;
}

function configComplaints(
  path: string,
  {
    volumeMounts,
    volumes = [],
  }: {
    readonly volumeMounts: Container["volumeMounts"];
    readonly volumes: DescribedPod["template"]["spec"]["volumes"];
  },
  documents: readonly Manifest[],
): string[] {
  const mount = volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const volume = volumes.find(({ name }) => name === mount?.name);
  const map = documents.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === volume?.configMap?.name);
  const file = mount === undefined ? "" : path.slice(mount.mountPath.length + 1);
  return map?.data?.[file] === undefined ? [`--config: ${path} is in no ConfigMap`] : [];
}
