import assert from "node:assert/strict";
import type { Intent } from "../../../guard/intents";
import { Lease } from "../../../guard/lease";
import { LeaseIntents } from "../../../guard/leaseIntents";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";
import { splitOf } from "./situations";

const intent: Intent = {
  target: "frontend",
  split: splitOf("legacy 100"),
  from: "blue 100",
  because: "ErrorsTooHigh of frontend/blue",
  since: new Date("2025-08-12T03:00:00Z"),
};

describe("what guards note in their Lease", () => {
  let cluster: HttpStub;
  let annotations: Record<string, string | null>;

  beforeEach(async () => {
    annotations = {};
    cluster = await startHttpStub(({ method, body }) => {
      if (method === "PATCH") {
        const patch = JSON.parse(body) as { metadata: { annotations: Record<string, string | null> } };
        annotations = { ...annotations, ...patch.metadata.annotations };
      }
      const held = Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== null));
      return { body: { metadata: { resourceVersion: "1", annotations: held } } };
    });
  });
  afterEach(() => cluster.close());

  const intentsOf = (holder: string): LeaseIntents =>
    new LeaseIntents(
      new Lease(() => connectTo(cluster.origin), {
        namespace: "pyairtable",
        name: "guard",
        holder,
        seconds: 6,
      }),
    );

  it("is left for the others, and not for who is at work on it", async () => {
    const [one, other] = [intentsOf("one"), intentsOf("other")];
    assert.equal(await one.begin(intent), undefined);
    assert.deepEqual(await one.left(), []);
    assert.deepEqual(await other.left(), [intent]);
    await other.end("frontend");
    assert.deepEqual(await intentsOf("a third").left(), []);
  });
});
