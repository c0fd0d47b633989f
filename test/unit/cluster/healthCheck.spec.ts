import assert from "node:assert/strict";
import { catalogEntry } from "../../../catalog";
import { checkHealth } from "../../../cluster/healthCheck";
import { ALL_LEGACY, type Split, splitHash } from "../../../migration";
import { type Answerer, type HttpStub, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const target = catalogEntry("frontend");
const { path } = target.probes.readiness;
const half: Split = { legacy: 50, blue: 50, green: 0 };

describe("checkHealth", () => {
  const stubs: HttpStub[] = [];
  afterEach(() => Promise.all(stubs.splice(0).map((stub) => stub.close())));

  async function proxy(answer: Answerer): Promise<HttpStub> {
    const stub = await startHttpStub(answer);
    stubs.push(stub);
    return stub;
  }

  /** Whoever is asked for answers. */
  const serving =
    (split: Split, status = 200): Answerer =>
    ({ headers }) => ({
      status,
      headers: {
        "x-pyairtable-backend": String(headers["x-pyairtable-backend"]),
        "x-pyairtable-route": splitHash("frontend", split),
      },
    });

  async function check(split: Split, proxies: readonly string[]): Promise<string> {
    const api = await connectTo("http://127.0.0.1:9");
    return checkHealth(api, { target, split, domain: "localhost", proxies, withinSeconds: 0.3 });
  }

  it("asks every backend that has traffic for its readiness, through every replica, as a user would", async () => {
    const replicas = await Promise.all([proxy(serving(half)), proxy(serving(half))]);
    const addresses = replicas.map(({ address }) => address);
    assert.equal(await check(half, addresses), `legacy and blue answer ${path} through the gateway`);
    for (const { asked } of replicas) {
      assert.deepEqual(
        asked
          .map(({ host, path: at, headers }) => `${host}${at} ${String(headers["x-pyairtable-backend"])}`)
          .sort(),
        ["blue", "legacy"].map((backend) => `frontend.localhost${path} ${backend}`),
      );
    }
  });

  it("says of one backend that it answers", async () => {
    const { address } = await proxy(serving(ALL_LEGACY));
    assert.equal(await check(ALL_LEGACY, [address]), `legacy answers ${path} through the gateway`);
  });

  it("asks again until it is healthy", async () => {
    let asked = 0;
    const { address } = await proxy((question) =>
      serving(ALL_LEGACY, (asked += 1) < 2 ? 503 : 200)(question),
    );
    await check(ALL_LEGACY, [address]);
    assert.equal(asked, 2);
  });

  for (const [what, answer, found] of [
    ["an error", serving(ALL_LEGACY, 503), "status 503 from legacy"],
    ["another split", serving(half), `x-pyairtable-route: ${splitHash("frontend", half)}`],
    ["another backend", () => ({ headers: { "x-pyairtable-backend": "blue" } }), "status 200 from blue"],
    ["nobody's answer", () => ({}), "status 200 from nobody, x-pyairtable-route: nobody"],
  ] as const) {
    it(`isn't passed by ${what}, and says what was found and expected`, async () => {
      const { address } = await proxy(answer);
      await assert.rejects(check(ALL_LEGACY, [address]), (error: unknown) => {
        assert(error instanceof Error);
        assert.ok(
          error.message.startsWith(`frontend isn't healthy: ${address} for legacy: found `),
          error.message,
        );
        assert.ok(error.message.includes(found), error.message);
        assert.ok(error.message.includes("expected 200 to 399 from legacy"), error.message);
        return true;
      });
    });
  }

  it("isn't passed without a replica", async () => {
    await assert.rejects(check(ALL_LEGACY, []), {
      message: "frontend isn't healthy: found no replica of the proxy",
    });
  });
});
