import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { loadRecipe } from "./recipes.js";

test("a recipe is found by its name, and an unknown one is refused with those that exist", async () => {
  assert.equal((await loadRecipe("fairface")).name, "fairface");
  await assert.rejects(
    loadRecipe("imagenet"),
    (error) => error instanceof UserError && error.message === "recipe imagenet: unknown; there are fairface",
  );
});
