// What every image of ours keeps to, read from its Dockerfile: no image is built here (npm run test:compose does that).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Copy, DockerfileParser, type Instruction } from "dockerfile-ast";

const folder = fileURLToPath(new URL("../../../deploy/docker", import.meta.url));

for (const name of ["cpu.Dockerfile", "cuda.Dockerfile"]) {
  describe(`deploy/docker/${name}`, () => {
    const file = DockerfileParser.parse(readFileSync(join(folder, name), "utf8"));
    const stages = file.getFROMs().map((from) => from.getBuildStage());
    const instructions = file.getInstructions();
    const last = instructions.slice(instructions.findLastIndex((instruction) => instruction.getKeyword() === "FROM"));
    const said = (keyword: string, of: readonly Instruction[] = last): string[] =>
      of.filter((instruction) => instruction.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? "");

    test("starts from images that are pinned by a tag, or from its own stages", () => {
      const bases = [...said("FROM", instructions), ...said("ARG", instructions).filter((text) => text.includes("/"))];
      for (const base of bases.map((text) => text.replace(/^PYTORCH=/, "").split(" ")[0] ?? "")) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's own variable, whose value is looked at, too
        assert.ok(stages.includes(base) || base === "${PYTORCH}" || /:(?!latest$)[\w.-]+$/.test(base), base);
      }
    });

    test("fetches nothing by ADD, and takes no secret as an argument or a variable", () => {
      assert.deepEqual(said("ADD", instructions), []);
      const named = [...said("ARG", instructions), ...said("ENV", instructions)].join("\n");
      assert.doesNotMatch(named, /token|secret|password|npmrc|proxy/i);
    });

    test("its last stage has no compiler and no package manager of Node's, and copies built files alone", () => {
      for (const command of said("RUN")) assert.doesNotMatch(command, /\b(npm|npx|g\+\+|gcc|cmake|make|[\w.-]+-dev)\b/);
      const sources = last.filter((one) => one instanceof Copy).map((copy) => copy.getFromFlag()?.getValue());
      assert.deepEqual(sources, ["node", "dependencies", "build"]);
    });

    test("runs every role by one entry point, as nobody in particular, and says how it is stopped and how it does", () => {
      assert.deepEqual(said("USER"), ["10001:10001"]);
      assert.deepEqual(said("ENTRYPOINT"), [
        '["tini", "--", "node", "--single-threaded-gc", "/app/packages/cli/dist/main.js"]',
      ]);
      assert.deepEqual(said("STOPSIGNAL"), ["SIGTERM"]);
      assert.equal(said("HEALTHCHECK").length, 1);
      const labels = said("LABEL").join(" ");
      for (const label of ["title", "description", "licenses", "base.name", "version", "revision", "created"]) {
        assert.ok(labels.includes(`org.opencontainers.image.${label}=`), label);
      }
    });
  });
}

test("the image for newer GPUs is said alike in the Dockerfile and on Kubernetes' page, of the same PyTorch", () => {
  const dockerfile = readFileSync(join(folder, "cuda.Dockerfile"), "utf8");
  const page = readFileSync(join(folder, "../../docs/kubernetes.md"), "utf8");
  const named = (text: string) => /--build-arg (PYTORCH=pytorch\/pytorch:([\d.]+)-cuda[\w.-]+-runtime)/.exec(text);
  assert.ok(dockerfile.includes(`ARG PYTORCH=pytorch/pytorch:${named(dockerfile)?.[2]}-cuda`));
  assert.equal(named(page)?.[1], named(dockerfile)?.[1]);
});
