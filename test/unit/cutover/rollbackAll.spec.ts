import assert from "node:assert/strict";
import { toLegacy } from "../../../cutover/rollbackAll";

const file = `# What is wanted.
config:
  pyairtable:frontend:
    traffic: {legacy: 0, blue: 100, green: 0} # soaked
    legacy: retired
  pyairtable:docs:
    traffic:
      legacy: 90
      blue: 10
      green: 0
    capacity: 1
  pyairtable:infrastructure: {owner: pulumi}
`;

describe("the stack file after a rollback of level 3", () => {
  it("has the targets on legacy, legacy kept, and the shared resources with Terraform; all else is as it was", () => {
    assert.equal(
      toLegacy(file, ["frontend", "docs"]),
      file
        .replace("{legacy: 0, blue: 100, green: 0}", "{legacy: 100, blue: 0, green: 0}")
        .replace("retired", "standby")
        .replace("legacy: 90", "legacy: 100")
        .replace("blue: 10\n", "blue: 0\n")
        .replace("pulumi}", "terraform}"),
    );
  });

  it("leaves a target alone that stays where it is", () => {
    assert.match(toLegacy(file, ["docs"]), /blue: 100, green: 0} # soaked\n {4}legacy: retired\n/);
  });

  it("is the same text when it is made again", () => {
    const once = toLegacy(file, ["frontend", "docs"]);
    assert.equal(toLegacy(once, ["frontend", "docs"]), once);
  });
});
