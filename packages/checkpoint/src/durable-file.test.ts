import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { replaceJson, writeDurably, writeJsonDurably } from "./durable-file.js";
import { useTemporaryFolder } from "./testing/temporary-folder.js";

describe("writing a file beside and renaming it", () => {
  const freshPath = useTemporaryFolder();
  const freshFolder = async () => {
    const path = freshPath();
    await mkdir(path);
    return path;
  };

  it("replaces the content and leaves nothing else in the folder", async () => {
    const dir = await freshFolder();
    const path = join(dir, "a.bin");
    await writeDurably(path, Buffer.from("first, longer"));
    await writeDurably(path, Buffer.from("second"));
    assert.equal(await readFile(path, "utf8"), "second");
    assert.deepEqual(await readdir(dir), ["a.bin"]);
  });

  it("writes JSON that ends with a line end", async () => {
    const dir = await freshFolder();
    await writeJsonDurably(join(dir, "a.json"), { steps: 3 });
    await replaceJson(join(dir, "b.json"), [{ role: "worker", index: 0, pid: 1 }]);
    assert.equal(await readFile(join(dir, "a.json"), "utf8"), '{\n  "steps": 3\n}\n');
    assert.deepEqual(JSON.parse(await readFile(join(dir, "b.json"), "utf8")), [{ role: "worker", index: 0, pid: 1 }]);
  });

  it("never shows a reader a part, however often it is replaced", async () => {
    const path = join(await freshFolder(), "processes.json");
    const written = (n: number) => Array.from({ length: 500 }, () => n);
    await replaceJson(path, written(0));
    let done = false;
    const writing = (async () => {
      for (let n = 1; n <= 50; n++) await replaceJson(path, written(n));
      done = true;
    })();
    let reads = 0;
    while (!done) {
      const seen: number[] = JSON.parse(await readFile(path, "utf8"));
      assert.deepEqual(seen, written(seen[0] as number));
      reads++;
    }
    await writing;
    assert(reads > 1);
  });

  it("fails without leftovers when the place cannot be replaced", async () => {
    const dir = await freshFolder();
    await mkdir(join(dir, "folder/inside"), { recursive: true });
    await assert.rejects(writeDurably(join(dir, "folder"), Buffer.from("x")));
    assert.deepEqual(await readdir(dir), ["folder"]);
  });
});
