// The compose files say what they mean, and nothing that Lockstep has not: no container is started here (npm run test:compose
// does that).
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runLockstep } from "@lockstep/testkit";
import { parse } from "yaml";
import { z } from "zod";

const folder = fileURLToPath(new URL("../../../deploy", import.meta.url));
const settingsSchema = fileURLToPath(new URL("../../../packages/cli/schema/run.schema.json", import.meta.url));

const duration = z.string().regex(/^\d+(s|m)$/);
/** Of the Compose specification, what these files use: anything else is refused, a misspelt key too. */
const service = z.strictObject({
  image: z.string().regex(/^[\w./-]+:(?!latest$)[\w.-]+$/, "is pinned by a tag"),
  build: z.strictObject({ context: z.literal(".."), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string().regex(/^[A-Z0-9_]+$/), z.union([z.string(), z.number()]).nullable()).default({}),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({
        condition: z.enum(["service_started", "service_healthy", "service_completed_successfully"]),
      }),
    )
    .default({}),
  deploy: z.strictObject({ replicas: z.number().int() }).optional(),
  healthcheck: z.union([
    z.strictObject({ disable: z.literal(true) }),
    z.strictObject({
      // podman-compose 1.0 spoils a list for every replica after the first.
      test: z.union([z.string(), z.tuple([z.literal("CMD")], z.string())]),
      interval: duration,
      timeout: duration,
      retries: z.number().int(),
      start_period: duration.optional(),
    }),
  ]),
  restart: z.enum(["on-failure:5", "unless-stopped"]),
  read_only: z.literal(true),
  tmpfs: z.tuple([z.literal("/tmp")]),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  stop_grace_period: duration.optional(),
  ports: z.array(z.string().startsWith("127.0.0.1:", "is published on loopback alone")).default([]),
  volumes: z.array(z.string()).default([]),
});
const composeFile = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});
const overrideFile = z.strictObject({
  services: z.record(
    z.string(),
    z.strictObject({
      image: z.string(),
      build: z.strictObject({ dockerfile: z.string() }),
      environment: z.record(z.string(), z.string()),
      deploy: z.strictObject({
        resources: z.strictObject({
          reservations: z.strictObject({
            devices: z.array(
              z.strictObject({
                driver: z.literal("nvidia"),
                count: z.number(),
                capabilities: z.tuple([z.literal("gpu")]),
              }),
            ),
          }),
        }),
      }),
    }),
  ),
});

/** As a shell without any of the variables would have it; fragments (`x-…`) are merged by then. */
function withDefaults(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  return result.success ? result.data : assert.fail(z.prettifyError(result.error));
}

function read(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

describe("deploy/compose.yaml", () => {
  const text = read("compose.yaml");
  const raw: Record<string, unknown> = parse(withDefaults(text), { merge: true });
  const fragments = Object.keys(raw).filter((key) => key.startsWith("x-"));
  const file = parsed(composeFile, Object.fromEntries(Object.entries(raw).filter(([key]) => !fragments.includes(key))));
  const services = Object.entries(file.services);
  const own = services.filter(([, { image }]) => image === "lockstep:cpu");
  /** Of each role's command, the flags that its help has. */
  const helpFlags = new Map<string, readonly string[]>();

  before(async () => {
    for (const role of ["coordinator", "worker", "exporter", "certs init", "health"]) {
      const { code, stdout } = await runLockstep([...role.split(" "), "--help"]);
      assert.equal(code, 0, role);
      helpFlags.set(role, stdout.match(/(?<=^ +)--[a-z0-9-]+/gm) ?? []);
    }
  });

  test("names what podman-compose and Compose v2 both read: a variable, or one with a default", () => {
    const uses = text.match(/\$\{[^}]*\}?/g) ?? [];
    assert.ok(uses.length > 0);
    for (const use of uses) assert.match(use, /^\$\{[A-Z_]+:-[^${}]+\}$/);
  });

  test("starts every role with flags that its help lists", () => {
    assert.deepEqual(own.map(([name]) => name).sort(), ["certs", "coordinator", "exporter", "worker"]);
    for (const [name, { command = [] }] of own) {
      const role = name === "certs" ? "certs init" : name;
      assert.equal(command.slice(0, role.split(" ").length).join(" "), role);
      const flags = command.filter((word) => word.startsWith("--"));
      assert.ok(flags.length > 0);
      for (const flag of flags) assert.ok(helpFlags.get(role)?.includes(flag), `${name}: ${flag}`);
    }
  });

  test("hands on settings that there are, and leaves out none but those that are named here", () => {
    const settings: { properties: Record<string, unknown> } = JSON.parse(readFileSync(settingsSchema, "utf8"));
    const variableOf = (key: string): string => `LOCKSTEP_${key.toUpperCase().replaceAll("-", "_")}`;
    const known = [...Object.keys(settings.properties), "config"].map(variableOf);
    for (const [name, { environment }] of own) {
      for (const variable of Object.keys(environment)) assert.ok(known.includes(variable), `${name}: ${variable}`);
    }
    const byImage = ["cache-dir", "health-listen"];
    // All is TLS, by folders that hold the token; logs go to the engine; every worker takes any slot.
    const notInContainers = ["insecure", "join-token-file", "log-file", "json", "prepared", "slot", "help"];
    for (const role of ["coordinator", "worker", "exporter"]) {
      const { command = [], environment } = file.services[role] ?? assert.fail(`no ${role}`);
      const left = (helpFlags.get(role) ?? [])
        .map((flag) => flag.replace(/^--(no-)?/, ""))
        .filter((key) => ![...byImage, ...notInContainers].includes(key))
        .filter((key) => !command.includes(`--${key}`) && !(variableOf(key) in environment));
      // Of a run's settings the exporter has none.
      assert.deepEqual(left, role === "exporter" ? ["config"] : [], role);
    }
  });

  test("asks every process that stays for its health, by the port that serves it", () => {
    for (const [name, { healthcheck, command = [] }] of services) {
      if ("disable" in healthcheck) {
        assert.equal(name, "certs", "only what ends has no health");
        continue;
      }
      if (!own.some(([other]) => other === name)) continue;
      const [program, verb, address = ""] = String(healthcheck.test).split(" ");
      assert.deepEqual([program, verb], ["lockstep", "health"]);
      const port = name === "exporter" ? (command[command.indexOf("--listen") + 1] ?? "").split(":")[1] : "50052";
      assert.match(address, new RegExp(`^(http://)?127\\.0\\.0\\.1:${port}(/healthz)?$`));
    }
  });

  test("declares the volumes that it uses and no other, mounts nothing of the host that can be written, and what is there", () => {
    const mounts = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(":")));
    const named = mounts.filter(([source = ""]) => !source.startsWith("."));
    assert.deepEqual([...new Set(named.map(([source]) => source))].sort(), Object.keys(file.volumes).sort());
    for (const [source = "", target, mode] of mounts.filter(([source = ""]) => source.startsWith("."))) {
      assert.equal(mode, "ro", target);
      assert.ok(existsSync(join(folder, source)), source);
    }
  });

  test("gives each role its own certificates and none of the others'", () => {
    for (const [name, { volumes }] of own.filter(([name]) => name !== "certs")) {
      const certificates = volumes.filter((volume) => volume.includes("/certs"));
      assert.deepEqual(certificates, [`${name}-certs:/certs/${name}:ro`]);
    }
  });

  test("can be scaled: no container has a name or a port of its own, and no worker a slot", () => {
    const { ports, command = [], environment } = file.services["worker"] ?? assert.fail("no worker");
    assert.deepEqual([ports, command.includes("--slot"), "LOCKSTEP_SLOT" in environment], [[], false, false]);
  });

  test("waits for services that there are, and for none to be well that may have ended well: a coordinator has with its run", () => {
    for (const [name, { depends_on }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        assert.ok(other in file.services, `${name}: ${other}`);
        if (condition === "service_healthy") assert.ok(!["coordinator", "worker"].includes(other), `${name}: ${other}`);
      }
    }
  });

  test("starts again for ever what stays when a run is over, and what ends a few times: a mistake ends it each time", () => {
    const staying = services.filter(([, { restart }]) => restart === "unless-stopped").map(([name]) => name);
    assert.deepEqual(staying.sort(), ["exporter", "grafana", "prometheus"]);
  });

  test("lets workers wait longer for a coordinator than that may decode images, and not for ever", () => {
    const { healthcheck } = file.services["coordinator"] ?? assert.fail("no coordinator");
    assert.ok("start_period" in healthcheck);
    assert.equal(healthcheck.start_period, "60m");
    assert.equal(Number(file.services["worker"]?.environment["LOCKSTEP_CONNECT_TIMEOUT"]), 60 * 60);
  });

  test("its GPU override changes the worker alone, and builds from a file that is there", () => {
    const override = parsed(overrideFile, parse(withDefaults(read("compose.gpu.yaml"))));
    assert.deepEqual(Object.keys(override.services), ["worker"]);
    const files = [
      ...services.flatMap(([, { build }]) => (build ? [build] : [])),
      ...Object.values(override.services).map(({ build }) => build),
    ];
    for (const { dockerfile } of files) assert.ok(existsSync(join(dirname(folder), dockerfile)), dockerfile);
  });
});
