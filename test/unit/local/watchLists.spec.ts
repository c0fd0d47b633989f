import assert from "node:assert/strict";
import type { KubeApi } from "../../../cluster/kubeApi";
import { watchLists } from "../../../local/monitoringSync/watchLists";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

/** An API server whose watches end as soon as they have told of one change. */
describe("what is watched in the cluster", function () {
  this.timeout(10_000);
  let stub: HttpStub;
  let api: KubeApi;
  let items: Readonly<Record<string, readonly string[]>>;
  let isAway: boolean;

  beforeEach(async () => {
    items = { "/rules": ["one"], "/services": ["blue"] };
    isAway = false;
    stub = await startHttpStub(({ path }) => {
      if (isAway) return { status: 503 };
      if (path.includes("&watch=1")) return { body: '{"type":"MODIFIED","object":{}}\n' };
      const [list = ""] = path.split("?");
      return { body: { metadata: { resourceVersion: "7" }, items: items[list] ?? [] } };
    });
    api = await connectTo(stub.origin);
  });
  afterEach(() => stub.close());

  /** Watches until `isEnough` says so; returns all that was told, and what went to the log. */
  async function watch(
    onLists: (lists: readonly (readonly unknown[])[], times: number) => boolean,
  ): Promise<{ readonly log: readonly string[] }> {
    const over = new AbortController();
    const log: string[] = [];
    let times = 0;
    await watchLists(
      api,
      ["/rules?labelSelector=a", "/services?labelSelector=b"],
      (lists) => {
        if (onLists(lists, ++times)) over.abort();
        return Promise.resolve();
      },
      over.signal,
      (line) => log.push(line),
    );
    return { log };
  }

  it("is told at once, in the order in which it was asked for", async () => {
    await watch((lists) => {
      assert.deepEqual(lists, [["one"], ["blue"]]);
      return true;
    });
  });

  it("is told again when any of it changes, and watched from the list's version on", async () => {
    await watch((lists, times) => {
      if (times === 2) assert.deepEqual(lists, [["one"], ["blue", "green"]]);
      items = { ...items, "/services": ["blue", "green"] };
      return times === 2;
    });
    assert.ok(stub.asked.some(({ path }) => path === "/rules?labelSelector=a&watch=1&resourceVersion=7"));
  });

  it("is told once the API server is back, and that it was away", async () => {
    isAway = true;
    setTimeout(() => (isAway = false), 300);
    const { log } = await watch((lists) => {
      assert.deepEqual(lists, [["one"], ["blue"]]);
      return true;
    });
    assert.match(log.join("\n"), /found status 503 for \/rules/);
  });
});
