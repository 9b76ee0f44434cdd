import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { withFileSource } from "@lockstep/files";
import { runChild } from "@lockstep/files/testing";
import { weightsSha256 } from "@lockstep/protocol";
import { CheckpointStore } from "./checkpoint-store.js";
import { loadCheckpoint } from "./load-checkpoint.js";
import { checkSpec, NewerFormatError } from "./manifest.js";
import { withDigest } from "./manifest-digest.js";
import { publishPhases } from "./publish.js";
import { decodeSafetensors } from "./safetensors-read.js";
import { useTemporaryFolder } from "./testing/temporary-folder.js";
import { tinyLayout, tinySnapshot, tinySpec } from "./testing/tiny-snapshot.js";

const stepsOf = (entries: readonly { readonly step: number }[]) => entries.map(({ step }) => step);

describe("a checkpoint", () => {
  const freshPath = useTemporaryFolder();
  const freshStore = async (...options: [ConstructorParameters<typeof CheckpointStore>[1]?]) => {
    const store = new CheckpointStore(freshPath(), options[0]);
    await store.prepare();
    return store;
  };

  it("contains every value of the snapshot", async () => {
    const store = await freshStore();
    const validation = { loss: 0.1 + 0.2, ageRmse: Number.NaN, worst: Number.NEGATIVE_INFINITY };
    const snapshot = () => tinySnapshot(5, { validation });
    const { checkpoint } = { checkpoint: await store.write(snapshot()) };
    const loaded = await loadCheckpoint(checkpoint);
    const expected = snapshot();
    assert.deepEqual(loaded.weights, expected.weights);
    assert.deepEqual(loaded.optimizerState, expected.optimizerState);
    assert.deepEqual(loaded.layout, tinyLayout);
    const { manifest } = loaded;
    assert.deepEqual(manifest.validation, validation);
    assert.deepEqual(manifest.runSpec, tinySpec);
    assert.deepEqual(manifest.position, expected.position);
    assert.deepEqual(manifest.epochSums, expected.epochSums);
    assert.equal(manifest.epochSamples, 320);
    assert.deepEqual(manifest.bookkeeping, expected.bookkeeping);
    assert.equal(manifest.weightsSha256, weightsSha256(tinyLayout, expected.weights));
    assert.deepEqual(checkpoint.manifest, manifest);
  });

  it("is a folder of three files in which tensors have their own names", async () => {
    const store = await freshStore();
    const { path, sizeBytes } = await store.write(tinySnapshot(12));
    assert.equal(path, join(store.dir, "step-00000012"));
    assert.deepEqual((await readdir(path)).toSorted(), [
      "manifest.json",
      "optimizer.safetensors",
      "weights.safetensors",
    ]);
    const sizes = await Promise.all(["weights", "optimizer"].map((name) => stat(join(path, `${name}.safetensors`))));
    assert.equal(
      sizeBytes,
      sizes.reduce((sum, { size }) => sum + size, 0),
    );
    const { tensors } = await withFileSource(join(path, "weights.safetensors"), (source) =>
      decodeSafetensors(source, "w"),
    );
    const optimizer = await withFileSource(join(path, "optimizer.safetensors"), (source) =>
      decodeSafetensors(source, "o"),
    );
    assert.deepEqual([...tensors.keys()], ["block.mean", "block.weight", "head.weight"]);
    assert.deepEqual(tensors.get("head.weight")?.shape, [2, 3]);
    assert.deepEqual([...optimizer.tensors.keys()], ["m", "v"]);
  });

  it("takes the arrays over, so that they cannot change while they are written", async () => {
    const store = await freshStore();
    const snapshot = tinySnapshot(1);
    const writing = store.write(snapshot);
    await writing;
    assert.equal(snapshot.weights.byteLength, 0);
  });

  it("can be written from shared memory, and without optimizer state", async () => {
    const store = await freshStore();
    const weights = new Float32Array(new SharedArrayBuffer(4 * tinyLayout.numElements)).fill(2);
    const written = await store.write(tinySnapshot(0, { weights, optimizerState: [] }));
    const loaded = await loadCheckpoint(written);
    assert.deepEqual([...loaded.weights], [...weights]);
    assert.deepEqual(loaded.optimizerState, []);
  });

  it("replaces a checkpoint of the same step", async () => {
    const store = await freshStore();
    await store.write(tinySnapshot(4));
    const position = { step: 4, epoch: 1, stepInEpoch: 0, validationRecorded: true };
    await store.write(tinySnapshot(4, { position, validation: { loss: 1 } }));
    assert.deepEqual(stepsOf(await store.list()), [4]);
    assert.deepEqual((await store.newestValid()).checkpoint?.manifest.position, position);
    assert.deepEqual(await readdir(store.dir), ["step-00000004"]);
  });

  it("is refused when its weights do not fit the layout, and the next write works", async () => {
    const store = await freshStore();
    await assert.rejects(
      store.write(tinySnapshot(1, { weights: new Float32Array(3) })),
      /3 elements, the layout has 12/,
    );
    await store.write(tinySnapshot(2));
    assert.deepEqual(await readdir(store.dir), ["step-00000002"]);
  });

  it("leaves no files when its write fails", async () => {
    const store = await freshStore({
      onPhase: (phase) => {
        if (phase === "weights written") throw new Error("disk failure");
      },
    });
    await assert.rejects(store.write(tinySnapshot(1)), /disk failure/);
    assert.deepEqual(await readdir(store.dir), []);
  });
});

describe("retention", () => {
  const freshPath = useTemporaryFolder();

  it("keeps by default the last three and the one with the lowest validation loss", async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    const deleted: number[][] = [];
    for (const [step, loss] of [3, 1, 2, 4, 5, 6].entries()) {
      const written = await store.write(tinySnapshot(step, { validation: { loss } }));
      deleted.push([...written.deletedSteps]);
    }
    assert.deepEqual(stepsOf(await store.list()), [1, 3, 4, 5]);
    assert.deepEqual(deleted, [[], [], [], [0], [], [2]]);
    assert.equal((await readdir(store.dir)).length, 4);
  });

  it("runs writes one after another when several are requested at once", async () => {
    const store = new CheckpointStore(freshPath(), { keepLast: 2 });
    await store.prepare();
    await Promise.all([1, 2, 3, 4].map((step) => store.write(tinySnapshot(step))));
    assert.deepEqual(stepsOf(await store.list()), [3, 4]);
  });

  it("does not count a broken checkpoint among the last ones", async () => {
    const store = new CheckpointStore(freshPath(), { keepLast: 2 });
    await store.prepare();
    await store.write(tinySnapshot(1));
    const { path } = await store.write(tinySnapshot(2));
    await rm(join(path, "manifest.json"));
    await store.write(tinySnapshot(3));
    assert.deepEqual(stepsOf(await store.list()), [1, 2, 3]);
  });

  for (const keepLast of [0, -1, 1.5, Number.NaN]) {
    it(`refuses keepLast ${keepLast}`, () => {
      assert.throws(() => new CheckpointStore("x", { keepLast }), UserError);
    });
  }
});

describe("newestValid", () => {
  const freshPath = useTemporaryFolder();
  const storeWithTwo = async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    await store.write(tinySnapshot(1));
    const { path } = await store.write(tinySnapshot(2));
    return { store, path };
  };

  it("is null when the folder is absent", async () => {
    assert.deepEqual(await new CheckpointStore(freshPath()).newestValid(), { checkpoint: null, skipped: [] });
  });

  for (const [what, damage, pattern] of [
    [
      "missing weights",
      (path: string) => rm(join(path, "weights.safetensors")),
      /weights.safetensors cannot be read: ENOENT/,
    ],
    [
      "a truncated file",
      (path: string) => truncate(join(path, "optimizer.safetensors"), 50),
      /optimizer.safetensors has 50 bytes, the manifest records \d/,
    ],
    [
      "an appended byte",
      (path: string) => appendFile(join(path, "weights.safetensors"), "x"),
      /weights.safetensors has \d+ bytes, the manifest records \d/,
    ],
    ["a missing manifest", (path: string) => rm(join(path, "manifest.json")), /^no manifest.json/],
    ["an empty manifest", (path: string) => truncate(join(path, "manifest.json"), 0), /manifest.json is not JSON/],
    [
      "an empty folder",
      async (path: string) => {
        await rm(path, { recursive: true });
        await mkdir(path);
      },
      /^no manifest.json/,
    ],
  ] as const) {
    it(`skips a checkpoint with ${what}, and reports it`, async () => {
      const { store, path } = await storeWithTwo();
      await damage(path);
      const { checkpoint, skipped } = await store.newestValid();
      assert.equal(checkpoint?.step, 1);
      assert.deepEqual(stepsOf(skipped), [2]);
      assert.match(skipped[0]?.reason ?? "", pattern);
      assert.deepEqual(await store.verify({ step: 2, path }), { fault: skipped[0]?.reason });
      assert.deepEqual(await store.verify(checkpoint), { fault: null });
    });
  }

  it("detects a flipped bit at any byte of the tensor files", async () => {
    const { store, path } = await storeWithTwo();
    for (const name of ["weights.safetensors", "optimizer.safetensors"]) {
      const sound = await readFile(join(path, name));
      for (let at = 0; at < sound.byteLength; at += 3) {
        const damaged = Buffer.from(sound);
        damaged[at] = (damaged[at] as number) ^ (1 << (at & 7));
        await writeFile(join(path, name), damaged);
        const { fault } = await store.verify({ step: 2, path });
        assert.match(fault ?? "", /is damaged: its SHA-256 is/, `${name}, byte ${at}`);
      }
      await writeFile(join(path, name), sound);
    }
    assert.deepEqual(await store.verify({ step: 2, path }), { fault: null });
  });

  it("detects a flipped bit at any byte of the manifest, unless the JSON means the same", async () => {
    const { store, path } = await storeWithTwo();
    const file = join(path, "manifest.json");
    const sound = await readFile(file);
    for (let at = 0; at < sound.byteLength; at++) {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 7));
      await writeFile(file, damaged);
      const { fault } = await store.verify({ step: 2, path });
      if (fault === null) assert.deepEqual(JSON.parse(String(damaged)), JSON.parse(String(sound)), `byte ${at}`);
    }
  });

  it("skips several damaged checkpoints to the newest sound one", async () => {
    const { store, path } = await storeWithTwo();
    await truncate(join(path, "weights.safetensors"), 1);
    const third = await store.write(tinySnapshot(3));
    await truncate(join(third.path, "optimizer.safetensors"), 1);
    const { checkpoint, skipped } = await store.newestValid();
    assert.equal(checkpoint?.step, 1);
    assert.deepEqual(stepsOf(skipped), [3, 2]);
  });

  it("refuses to skip a checkpoint of a newer Lockstep", async () => {
    const { store, path } = await storeWithTwo();
    const { manifestSha256: _, ...manifest } = JSON.parse(await readFile(join(path, "manifest.json"), "utf8"));
    await writeFile(
      join(path, "manifest.json"),
      JSON.stringify(withDigest({ ...manifest, formatVersion: 2, news: true })),
    );
    await assert.rejects(
      store.newestValid(),
      (error) =>
        error instanceof NewerFormatError &&
        /has checkpoint format 2, this Lockstep reads format 1;/.test(error.message),
    );
    await assert.rejects(loadCheckpoint({ path }), UserError);
    assert.match((await store.verify({ step: 2, path })).fault ?? "", /format 2/);
  });
});

describe("loadCheckpoint", () => {
  const freshPath = useTemporaryFolder();

  it("refuses an absent or damaged checkpoint, and names the file", async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    const { path } = await store.write(tinySnapshot(1));
    await appendFile(join(path, "optimizer.safetensors"), "x");
    await assert.rejects(
      loadCheckpoint({ path }),
      (error) => error instanceof UserError && /optimizer.safetensors has/.test(error.message),
    );
    await assert.rejects(loadCheckpoint({ path: join(store.dir, "step-00000009") }), /no manifest.json/);
  });
});

describe("checkSpec", () => {
  const freshPath = useTemporaryFolder();

  it("accepts the same run spec, and names each field that differs with both values", async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    const { manifest } = await store.write(tinySnapshot(1));
    checkSpec(manifest, structuredClone(tinySpec));
    const changed = { ...tinySpec, seed: 8, optimizer: { ...tinySpec.optimizer, learningRate: 0.001 } };
    assert.throws(
      () => checkSpec(manifest, changed),
      (error) =>
        error instanceof UserError &&
        error.message.includes("optimizer.learningRate was 0.0001, is 0.001; seed was 7, is 8") &&
        !error.message.includes("epochs"),
    );
  });
});

describe("a writer that is killed", () => {
  const freshPath = useTemporaryFolder();
  const killAt = async (phase: string, steps: { readonly first: number; readonly second: number }) => {
    const dir = freshPath();
    const source = `
      let armed = false;
      const onPhase = (phase) => { if (armed && phase === ${JSON.stringify(phase)}) process.kill(process.pid, "SIGKILL"); };
      const store = new index.CheckpointStore(${JSON.stringify(dir)}, { onPhase });
      await store.prepare();
      await store.write(tiny.tinySnapshot(${steps.first}));
      armed = true;
      await store.write(tiny.tinySnapshot(${steps.second}));`;
    const child = runChild(source, {
      index: new URL("./index.js", import.meta.url),
      tiny: new URL("./testing/tiny-snapshot.js", import.meta.url),
    });
    assert.equal((await child.ended()).signal, "SIGKILL");
    return new CheckpointStore(dir);
  };

  for (const phase of publishPhases) {
    const survivor = ["renamed", "published"].includes(phase) ? 2 : 1;
    it(`after "${phase}" leaves step ${survivor} as the newest, and prepare removes the leftovers`, async () => {
      const store = await killAt(phase, { first: 1, second: 2 });
      const { checkpoint, skipped } = await store.newestValid();
      assert.equal(checkpoint?.step, survivor);
      assert.deepEqual(skipped, []);
      await store.prepare();
      assert.deepEqual(
        (await readdir(store.dir)).filter((name) => name.startsWith(".")),
        [],
      );
      assert.deepEqual((await loadCheckpoint(checkpoint)).weights, tinySnapshot(survivor).weights);
      await store.write(tinySnapshot(3));
      assert.equal((await store.newestValid()).checkpoint?.step, 3);
    });
  }

  for (const phase of ["manifest written", "previous moved away", "renamed"]) {
    it(`after "${phase}" does not lose the checkpoint that it was replacing`, async () => {
      const store = await killAt(phase, { first: 2, second: 2 });
      await store.prepare();
      assert.deepEqual(await readdir(store.dir), ["step-00000002"]);
      assert.deepEqual(await store.verify({ step: 2, path: join(store.dir, "step-00000002") }), { fault: null });
    });
  }

  it("is distinguished from a running one, whose temporary folder stays", async () => {
    const dir = freshPath();
    const other = new CheckpointStore(dir);
    let seen: string[] = [];
    const store = new CheckpointStore(dir, {
      onPhase: async (phase) => {
        if (phase !== "weights written") return;
        await other.prepare();
        seen = await readdir(dir);
      },
    });
    await store.prepare();
    await store.write(tinySnapshot(1));
    assert.equal(seen.length, 1);
    assert.match(seen[0] ?? "", /^\.tmp-step-00000001-/);
    assert.equal((await store.newestValid()).checkpoint?.step, 1);
  });
});
