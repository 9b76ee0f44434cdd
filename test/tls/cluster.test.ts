// A cluster on the network, its processes started by hand: the same bits as a local run, and every refusal is one line and
// exit code 2 instead of waiting forever.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  flagArguments,
  needsTorch,
  runCluster,
  runLockstep,
  startLockstep,
  temporaryFolder,
  tinyRun,
} from "@lockstep/testkit";

const { workers: _, ...spec } = tinyRun;
const data = String(spec["data"]);

describe("a cluster over mutual TLS", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const at = (name: string): string => join(folder.path, name);
  const certs = (role: string): string => join(at("certs"), role);

  before(async () => {
    folder = await temporaryFolder();
    for (const name of ["certs", "other-certs"]) {
      const { code, stderr } = await runLockstep(["certs", "init", at(name)]);
      assert.equal(code, 0, stderr);
    }
  });
  after(() => folder.remove());

  const coordinate = async (out: string, flags: readonly string[] = ["--tls", certs("coordinator")]) => {
    const common = flagArguments({ ...spec, out: at(out), "cache-dir": at("cache"), json: true });
    const coordinator = startLockstep([
      ...["coordinator", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--log-level", "info"],
      ...[...common, ...flags],
    ]);
    const [, health = ""] = await coordinator.waitForStderr(/health checks are answered address=(\S+)/);
    const [, address = ""] = await coordinator.waitForStderr(/listening on (\S+)/);
    return { coordinator, address, health };
  };
  const workerFlags = (address: string, ...flags: string[]) => [
    ...["worker", "--coordinator", address, "--data", data, "--cache-dir", at("cache"), ...flags],
  ];

  test("a coordinator and two workers give the hash of the local run; probes see them serve", async () => {
    const { weightsSha256 } = await runCluster({ out: at("local"), flags: { workers: 2 } });
    const { coordinator, address, health } = await coordinate("remote", [
      ...["--tls", certs("coordinator"), "--expected-workers", "2"],
    ]);
    try {
      assert.deepEqual(await probe(health), [0, `${health}: serving\n`]);
      assert.deepEqual(await probe(address, "--tls", certs("operator")), [0, `${address}: serving\n`]);
      const [code, words] = await probe(address);
      assert.equal(code, 1);
      assert.match(words, /cannot be reached: .* speaks TLS: give this process its certificates/);
      const workers = await Promise.all([0, 1].map(() => runLockstep(workerFlags(address, "--tls", certs("worker")))));
      for (const worker of workers) assert.equal(worker.code, 0, worker.stderr);
      const end = await coordinator.ended();
      assert.equal(end.code, 0, end.stderr);
      const result = JSON.parse(end.stdout);
      assert.equal(result.weightsSha256, weightsSha256);
      assert.equal(result.workers, 2);
    } finally {
      await coordinator.dispose();
    }
  });

  test("a worker that will never be let in ends with one line and exit code 2", async () => {
    const { coordinator, address } = await coordinate("refusing");
    try {
      await writeFile(at("wrong-token"), "not-the-token-of-this-cluster");
      await mkdir(at("empty"));
      const refusals: readonly (readonly [flags: string[], words: RegExp])[] = [
        [[], /cannot join: .* speaks TLS: give this process its certificates \(--tls\)/],
        [["--tls", join(at("other-certs"), "worker")], /cannot join: .* is not trusted: self-signed certificate/],
        [["--tls", certs("exporter")], /exporter\/tls.crt: is for the role exporter, this process needs worker/],
        [["--tls", at("nowhere")], /--tls .*nowhere: does not exist$/],
        [["--tls", at("empty")], /empty\/ca.crt: is missing; `lockstep certs init` makes it/],
        [
          ["--tls", certs("worker"), "--join-token-file", at("wrong-token")],
          /the coordinator refused this worker: the join token is not the coordinator's$/,
        ],
        [
          ["--tls", certs("worker"), "--join-token-file", at("no-token")],
          /--join-token-file .*no-token: does not exist$/,
        ],
      ];
      for (const [flags, words] of refusals) {
        const { code, stdout, stderr } = await runLockstep(workerFlags(address, ...flags));
        assert.deepEqual([code, stdout], [2, ""], stderr);
        assert.match(stderr.trim(), words);
        assert.equal(stderr.trim().split("\n").length, 1, stderr);
      }
      await coordinator.waitForStderr(
        /refused a connection: it uses plain text, and this port accepts only TLS \(--tls\) peer=127.0.0.1/,
      );
      await coordinator.waitForStderr(/refused a call: the join token is not the coordinator's/);
    } finally {
      await coordinator.dispose();
    }
  });

  test("an exporter and an operator are let in, each by its own certificate", async () => {
    const { coordinator, address } = await coordinate("watched");
    const exporterFlags = (role: string) => [
      ...["exporter", "--coordinator", address, "--listen", "127.0.0.1:0", "--log-level", "info", "--tls", certs(role)],
    ];
    const exporter = startLockstep(exporterFlags("exporter"));
    try {
      await exporter.waitForStderr(/receiving the coordinator's events/);
      const [, url = ""] = await exporter.waitForStderr(/serving (\S+)/);
      assert.match(await (await fetch(url)).text(), /^lockstep_up 1$/m);
      const asOperator = ["--coordinator", address, "--tls", certs("operator")];
      assert.match((await runLockstep(["status", ...asOperator])).stdout, /: waiting .*step 0 of 22\n/);
      const others = [exporterFlags("operator"), ["stop", "--coordinator", address, "--tls", certs("exporter")]];
      for (const args of others) {
        const { code, stderr } = await runLockstep(args);
        assert.equal(code, 2);
        assert.match(stderr, /tls\.crt: is for the role \w+, this process needs (exporter|operator) \(--tls\)/);
      }
      assert.equal((await runLockstep(["stop", ...asOperator])).code, 0);
      const end = await coordinator.ended();
      assert.equal(end.code, 0, end.stderr);
    } finally {
      await exporter.dispose();
      await coordinator.dispose();
    }
  });

  test("TLS is not spoken to a coordinator without it", async () => {
    const { coordinator, address } = await coordinate("plain", []);
    try {
      const { code, stderr } = await runLockstep(workerFlags(address, "--tls", certs("worker")));
      assert.equal(code, 2);
      assert.match(stderr, /cannot join: .* does not speak TLS: leave --tls away, or start the coordinator with it/);
    } finally {
      await coordinator.dispose();
    }
  });

  test("a coordinator says at once that its certificates cannot be used, before it prepares anything", async () => {
    const args = ["coordinator", ...flagArguments(spec), "--out", at("never")];
    const { code, stderr } = await runLockstep([...args, "--tls", certs("worker")]);
    assert.equal(code, 2);
    assert.match(stderr, /worker\/tls.crt: is for the role worker, this process needs coordinator/);
    assert.equal(stderr.trim().split("\n").length, 1);
  });

  test("a probe of what is not there ends with 1 and one line", async () => {
    for (const address of ["127.0.0.1:1", "http://127.0.0.1:4/healthz", "nonsense"]) {
      const [code, words] = await probe(address);
      assert.equal(code, 1);
      assert.match(words, new RegExp(`^${address}: cannot be reached: .+\n$`));
    }
  });
});

async function probe(...args: string[]): Promise<[number | null, string]> {
  const { code, stdout } = await runLockstep(["health", ...args]);
  return [code, stdout];
}
