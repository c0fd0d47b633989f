import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeApi } from "../../cluster/kubeApi";
import { readLiveRoutes } from "../../cluster/liveRoutes";
import { binomialInterval } from "../../local/load/statistics";
import { editStackFile } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { isTampered, splitHash, type RouteRecord } from "../../migration";
import { underLoad } from "./load";
import { commitSplit, split, stackOnLegacy, succeeded } from "./world";

const ratePerSecond = 300;

describe("a cutover by config, under load", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("cutover");
  });

  it("goes forward and back without losing a request, and every preview after an update is empty", async function () {
    this.timeout(600_000);
    await underLoad("frontend", ratePerSecond, async ({ duringLongRequests }) => {
      await commitSplit(stack, "frontend", split("blue 100"));
      await duringLongRequests(async () => succeeded(await stack.up()));
      succeeded(await stack.preview());
      await stack.revert(1);
      await duringLongRequests(async () => succeeded(await stack.up()));
      succeeded(await stack.preview());
    });
  });

  it("goes back from extracted by revert and one update without losing a request", async function () {
    this.timeout(900_000);
    await underLoad("frontend", ratePerSecond, async () => {
      await commitSplit(stack, "frontend", split("blue 100"));
      succeeded(await stack.up());
      await stack.commit("frontend: extracted", (text) =>
        editStackFile(text, ["config", "pyairtable:frontend", "legacy"], "retired"),
      );
      succeeded(await stack.up());
      await stack.revert(2);
      succeeded(await stack.up());
      assert.deepEqual((await liveFrontend()).split, split("legacy 100"));
      succeeded(await stack.preview());
    });
  });

  it("realises 90/10 within the 99.9 % interval", async () => {
    const wanted = split("legacy 90 / blue 10");
    const shots = await underLoad("frontend", ratePerSecond, async () => {
      await commitSplit(stack, "frontend", wanted);
      succeeded(await stack.up());
      await sleep(10_000);
    });
    const settled = shots.filter(({ routeHash }) => routeHash === splitHash("frontend", wanted));
    const onBlue = settled.filter(({ backend }) => backend === "blue").length;
    const { low, high } = binomialInterval(settled.length, 0.1, 0.999);
    assert.ok(settled.length > 2000, `${settled.length} requests`);
    assert.ok(
      low <= onBlue && onBlue <= high,
      `${onBlue} of ${settled.length} on blue, expected ${low} to ${high}`,
    );
  });

  it("restores the file to the byte and the live split by git revert", async () => {
    const fileBefore = stack.readStackFile();
    const before = await liveFrontend();
    await commitSplit(stack, "frontend", split("legacy 50 / blue 50"));
    succeeded(await stack.up());
    assert.deepEqual((await liveFrontend()).split, split("legacy 50 / blue 50"));
    await stack.revert(1);
    succeeded(await stack.up());
    const after = await liveFrontend();
    assert.equal(stack.readStackFile(), fileBefore);
    assert.deepEqual(after.split, before.split);
    assert.deepEqual(after.images, before.images);
    assert.deepEqual(after.previous, split("legacy 50 / blue 50"));
    succeeded(await stack.preview());
  });

  after(async () => {
    await commitSplit(stack, "frontend", split("legacy 100"));
    succeeded(await stack.up());
  });
});

async function liveFrontend(): Promise<RouteRecord> {
  process.env["KUBECONFIG"] = adminKubeconfig;
  const route = (await readLiveRoutes(await KubeApi.connect(), "pyairtable")).get("frontend");
  assert.ok(route !== undefined && !isTampered(route));
  return route;
}
