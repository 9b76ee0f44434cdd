import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { findLibtorch } from "./libtorch.mjs";

const numbers = (minor) =>
  `#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH 1\n`;

/** The version that is found in a folder with these headers. */
function versionWith(headers) {
  const root = mkdtempSync(join(tmpdir(), "lockstep-libtorch-"));
  try {
    const files = { "lib/libtorch.so": "", "include/ATen/ATen.h": "", ...headers };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return findLibtorch({ LIBTORCH: root }).libtorch?.version;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("libtorch's version is found in the header before 2.11 and in the header since 2.11", () => {
  const old = "include/torch/csrc/api/include/torch/version.h";
  assert.equal(versionWith({ [old]: numbers(7) }), "2.7.1");
  const forwarding = { [old]: "#include <torch/headeronly/version.h>\n" };
  assert.equal(versionWith({ ...forwarding, "include/torch/headeronly/version.h": numbers(11) }), "2.11.1");
  assert.equal(versionWith(forwarding), "unknown");
});
