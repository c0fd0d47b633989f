import assert from "node:assert/strict";
import { restoredPaths } from "../../../cutover/restoredPaths";

describe("what a rollback of level 2 restores", () => {
  it("is the stack's own file, the project's, the pins and the workflows; no other stack's file, and no program", () => {
    assert.deepEqual(restoredPaths("Pulumi.prod.yaml"), [
      "Pulumi.prod.yaml",
      "Pulumi.yaml",
      "package.json",
      "package-lock.json",
      ".github",
    ]);
  });

  it("is beside the stack file, but for the workflows, which are at the root", () => {
    assert.deepEqual(restoredPaths("platform/Pulumi.prod.yaml"), [
      "platform/Pulumi.prod.yaml",
      "platform/Pulumi.yaml",
      "platform/package.json",
      "platform/package-lock.json",
      ".github",
    ]);
  });
});
