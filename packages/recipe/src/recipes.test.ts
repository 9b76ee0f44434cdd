import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { recipeNamed } from "./recipes.js";

test("a recipe is found by its name, and an unknown one is refused with those that exist", () => {
  assert.equal(recipeNamed("fairface").name, "fairface");
  assert.throws(
    () => recipeNamed("imagenet"),
    (error) => error instanceof UserError && error.message === "recipe imagenet: unknown; there are fairface",
  );
});
