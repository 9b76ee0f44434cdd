import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder, userErrorMessage } from "@lockstep/dataset/testing";
import { assertOutside } from "./write-form.js";

test("an output folder inside the data is refused, also through a link or next to a label file", async (context) => {
  const root = await temporaryFolder(context);
  const [data, link] = [join(root, "data"), join(root, "link")];
  await mkdir(data);
  await symlink(data, link);
  const file = join(data, "fairface_label_train.csv");
  await writeFile(file, "");
  for (const [named, out] of [
    [data, join(link, "out")],
    [link, join(data, "out")],
    [file, join(data, "out")],
  ] as const) {
    assert.match(
      await userErrorMessage(assertOutside(out, named)),
      /out: is inside the data folder .*; choose another folder \(--out\)$/,
    );
  }
  await assertOutside(join(root, "out"), file);
});
