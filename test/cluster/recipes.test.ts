// A recipe of the user's own, as real commands meet it: written, checked, trained, resumed, refused.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runFiles } from "@lockstep/cli";
import { needsTorch, runCluster, runLockstep, startCluster, type TrainFlags, temporaryFolder } from "@lockstep/testkit";

const tiny = { widths: null, "dense-units": null, "image-size": 16, "max-steps": 2, workers: 1 } as const;

describe("a recipe of one's own", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const pathOf = (name: string): string => join(folder.path, name);
  const check = (path: string) =>
    runLockstep(["recipe", "check", path, "--image-size", "16", "--cache-dir", pathOf("cache")], {
      deadlineMs: 120_000,
    });

  before(async () => {
    folder = await temporaryFolder();
    const { code, stderr } = await runLockstep(["recipe", "new", pathOf("mine.js")]);
    assert.equal(code, 0, stderr);
  });
  after(() => folder.remove());

  test("the starter keeps every rule as it is, is short, and is never written over", async () => {
    const text = await readFile(pathOf("mine.js"), "utf8");
    assert.ok(text.split("\n").length < 100);
    assert.match(text, /name: "mine"/);
    const { code, stdout, stderr } = await check(pathOf("mine.js"));
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.ok(!stdout.includes("FAIL"));
    assert.match(stdout, /ok {4}1 and 3 workers have the same weights after 3 steps\n$/);
    const again = await runLockstep(["recipe", "new", pathOf("mine.js")]);
    assert.deepEqual([again.code, /mine\.js: exists; choose another name/.test(again.stderr)], [2, true]);
    assert.equal(await readFile(pathOf("mine.js"), "utf8"), text);
  });

  test("unseeded randomness is caught by its rule and by the workers' bits", async () => {
    const text = await readFile(pathOf("mine.js"), "utf8");
    const broken = text.replace("net.dropout(features, options.dropout)", "net.tf.dropout(features, 0.3)");
    await writeFile(pathOf("unseeded.js"), broken);
    const { code, stdout } = await check(pathOf("unseeded.js"));
    assert.equal(code, 1);
    assert.match(
      stdout,
      /FAIL {2}the same micro-batch gives the same bytes\n +unseeded: .*Math\.random \(unseeded\.js line \d+\)/,
    );
    assert.match(stdout, /FAIL {2}1 and 3 workers have the same weights after 3 steps\n +their SHA-256 is/);
  });

  test("a run goes on without being told its recipe again, and with other code not at all", async () => {
    const recipe = pathOf("mine.js");
    const flags: TrainFlags = { ...tiny, recipe, "recipe-options": "units=8,filters=[4,8]" };
    await runCluster({ out: pathOf("run"), flags });
    const { spec } = JSON.parse(await readFile(join(pathOf("run"), runFiles.run), "utf8"));
    assert.deepEqual([spec.recipe.name, spec.recipe.options.units, spec.recipe.options.filters], ["mine", 8, [4, 8]]);
    const resumed = await runCluster({ out: pathOf("run"), flags: { ...tiny, resume: true, "max-steps": 4 } });
    assert.equal(resumed.steps, 4);

    const text = await readFile(recipe, "utf8");
    await writeFile(recipe, `${text}// another\n`);
    const { code, stderr } = await refused("run", { ...tiny, resume: true });
    await writeFile(recipe, text);
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`its code has SHA-256 [0-9a-f]{64}, the code of the run's recipe mine has ${spec.recipe.sha256}`),
    );
  });

  test("flags of the built-in recipe and unknown options are refused in one line", async () => {
    const recipe = pathOf("mine.js");
    const widths = await refused("widths", { ...tiny, recipe, widths: "4,8" });
    assert.match(
      widths.stderr,
      /^lockstep: --widths: belongs to the built-in recipe, not to mine, whose options filters, units,/m,
    );
    const option = await refused("option", { ...tiny, recipe, "recipe-options": "unit=8" });
    assert.match(
      option.stderr,
      /^lockstep: recipe mine: option unit: unknown; the options are filters, units, dropout/m,
    );
    assert.deepEqual([widths.code, option.code], [2, 2]);
  });

  async function refused(out: string, flags: TrainFlags) {
    const cluster = startCluster({ out: pathOf(out), flags });
    try {
      return await cluster.ended();
    } finally {
      await cluster.dispose();
    }
  }
});
