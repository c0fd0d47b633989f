import assert from "node:assert/strict";
import { catalogEntry } from "../../../catalog";
import { type ConfirmArgs, confirmOthersStopped, switchLegacyConsumer } from "../../../cluster/consumers";
import { type Answerer, type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const automation = catalogEntry("automation");

describe("switchLegacyConsumer", () => {
  let stub: HttpStub | undefined;
  afterEach(() => stub?.close());

  async function switchTo(consuming: boolean, answer: Answerer): Promise<string[]> {
    const served = await startHttpStub(answer);
    stub = served;
    await switchLegacyConsumer({ ...automation, legacyPort: served.port }, "127.0.0.1", consuming);
    return served.asked.map(({ method, path, body }) => `${method} ${path} ${body}`.trim());
  }

  it("tells legacy to stop, and takes its word", async () => {
    const asked = await switchTo(false, ({ method }) => ({ body: { consuming: method === "GET" } }));
    assert.deepEqual(asked, ["GET /consumer", 'PUT /consumer {"consuming":false}']);
  });

  it("tells legacy to consume, and takes its word", async () => {
    const asked = await switchTo(true, ({ method }) => ({ body: { consuming: method === "PUT" } }));
    assert.deepEqual(asked, ["GET /consumer", 'PUT /consumer {"consuming":true}']);
  });

  it("tells nothing to a legacy that does so already", async () => {
    assert.deepEqual(await switchTo(false, () => ({ body: { consuming: false } })), ["GET /consumer"]);
  });

  for (const [what, reply] of Object.entries<Reply>({
    "that it still consumes": { body: { consuming: true } },
    "another document": { body: { ok: true } },
    "no JSON": { body: "ok" },
    "an error": { status: 500, body: { consuming: false } },
  })) {
    it(`doesn't believe a legacy that answers with ${what}`, async () => {
      const answer: Answerer = ({ method }) => (method === "GET" ? { body: { consuming: true } } : reply);
      await assert.rejects(switchTo(false, answer), {
        message: new RegExp(
          `^pyairtable:automation: legacy was told to stop consuming; found status ${reply.status ?? 200} .*, expected \\{"consuming": false\\}$`,
        ),
      });
    });
  }
});

describe("confirmOthersStopped", () => {
  let stub: HttpStub | undefined;
  afterEach(() => stub?.close());

  async function confirm(changes: Partial<ConfirmArgs>, answer: Answerer): Promise<string[]> {
    const served = await startHttpStub(answer);
    stub = served;
    await confirmOthersStopped(await connectTo(served.origin), {
      target: automation,
      namespace: "apps",
      consumer: "blue",
      declared: ["blue", "green"],
      ...changes,
    });
    return served.asked.map(({ method, path }) => `${method} ${decodeURIComponent(path)}`);
  }

  const podsOf = (...backends: string[]): Reply => ({
    body: {
      items: backends.map((backend) => ({
        metadata: { name: `automation-${backend}-x`, labels: { "pyairtable.dev/backend": backend } },
      })),
    },
  });
  const list =
    "GET /api/v1/namespaces/apps/pods?labelSelector=app.kubernetes.io/name=automation,pyairtable.dev/role=consumer";

  it("is content when none consumes, or only the one that may", async () => {
    assert.deepEqual(await confirm({}, () => podsOf()), [list]);
    await stub?.close();
    assert.deepEqual(await confirm({}, () => podsOf("blue")), [list]);
  });

  it("asks again until the other's pod is gone", async () => {
    let asked = 0;
    const asks = await confirm({}, () => podsOf(...((asked += 1) < 3 ? ["blue", "green"] : ["blue"])));
    assert.deepEqual(asks, [list, list, list]);
  });

  it("waits for both colors when legacy is to consume", async () => {
    let asked = 0;
    const asks = await confirm({ consumer: "legacy" }, () => podsOf(...((asked += 1) < 2 ? ["blue"] : [])));
    assert.equal(asks.length, 2);
  });

  it("deletes the consumer of a color that the update drops, and of no other", async () => {
    const asks = await confirm({ declared: ["blue"] }, ({ method }) =>
      method === "GET" ? podsOf() : undefined,
    );
    assert.deepEqual(asks, [
      "DELETE /apis/apps/v1/namespaces/apps/deployments/automation-green-consumer",
      list,
    ]);
  });

  it("names the pods that still consume when time is up", async () => {
    await assert.rejects(
      confirm({ withinSeconds: 0.3 }, () => podsOf("green", "blue")),
      {
        message:
          "pyairtable:automation: automation-green-x still consumes after 0.3 s, expected none but blue to; no other consumer was started",
      },
    );
  });

  it("takes a list that can't be read for no confirmation", async () => {
    await assert.rejects(
      confirm({}, () => ({ status: 403 })),
      {
        message: "found status 403 for the list of consuming pods, expected 200",
      },
    );
  });

  it("takes a consumer that can't be deleted for no confirmation", async () => {
    const answer: Answerer = ({ method }) => (method === "DELETE" ? { status: 403 } : podsOf());
    await assert.rejects(
      confirm({ declared: ["blue"] }, answer),
      /found status 403 .*automation-green-consumer/,
    );
  });
});
