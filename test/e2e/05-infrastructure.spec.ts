import assert from "node:assert/strict";
import { editStackFile } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { kubectl } from "../../local/platform/cluster";
import { stackOnLegacy, succeeded, tools } from "./world";

describe("infrastructure, which has an owner instead of a route", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("infrastructure");
  });

  it("is adopted as it is, and let go of without being deleted", async () => {
    const before = await priorityClass();
    await stack.commit("infrastructure: pulumi owns the shared resources", (text) =>
      editStackFile(text, ["config", "pyairtable:infrastructure", "owner"], "pulumi"),
    );
    succeeded(await stack.up());
    assert.equal((await priorityClass()).uid, before.uid);
    succeeded(await stack.preview());
    await stack.revert(1);
    succeeded(await stack.up());
    assert.deepEqual(await priorityClass(), before);
  });
});

async function priorityClass(): Promise<{ uid: string; value: string }> {
  const found = await kubectl(await tools(), [
    ...["get", "priorityclass", "pyairtable-service"],
    ...["-o", "jsonpath={.metadata.uid} {.value}"],
  ]);
  const [uid = "", value = ""] = found.split(" ");
  return { uid, value };
}
