import assert from "node:assert/strict";
import { type ProofArgs, proveSplit } from "../../../cluster/proof";
import { type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const converged: Reply = { headers: { "x-pyairtable-route": "new" } };
const stale: Reply = { headers: { "x-pyairtable-route": "old" } };
const noApi = "http://127.0.0.1:9";

describe("proveSplit", () => {
  const stubs: HttpStub[] = [];
  afterEach(() => Promise.all(stubs.splice(0).map((stub) => stub.close())));

  /** A replica of the proxy; `reply` is asked with the number of the request, from 1. */
  async function proxy(reply: (nth: number) => Reply): Promise<HttpStub> {
    const stub: HttpStub = await startHttpStub(() => reply(stub.asked.length));
    stubs.push(stub);
    return stub;
  }

  async function prove(proxies: ProofArgs["proxies"], withinSeconds?: number, api = noApi): Promise<void> {
    await proveSplit(await connectTo(api), {
      proxies,
      hostname: "frontend.localhost",
      routeHash: "new",
      ...(withinSeconds !== undefined && { withinSeconds }),
    });
  }

  it("asks every replica once, as a user would, when all have converged", async () => {
    const replicas = await Promise.all([proxy(() => converged), proxy(() => converged)]);
    await prove(replicas.map(({ address }) => address));
    for (const { asked } of replicas) {
      assert.deepEqual(
        asked.map(({ method, host, path }) => ({ method, host, path })),
        [{ method: "GET", host: "frontend.localhost", path: "/" }],
      );
    }
  });

  it("asks a replica that lags again until it has converged", async () => {
    const prompt = await proxy(() => converged);
    const late = await proxy((nth) => (nth < 5 ? stale : converged));
    await prove([prompt.address, late.address]);
    assert.equal(prompt.asked.length, 1);
    assert.equal(late.asked.length, 5);
  });

  it("believes the hash whatever the status that the backend gave", async () => {
    const { address } = await proxy(() => ({ ...converged, status: 503 }));
    await prove([address]);
  });

  it("names each replica that never converges, and what it answers instead", async () => {
    const [good, old, bare] = await Promise.all([
      proxy(() => converged),
      proxy(() => stale),
      proxy(() => ({ status: 404 })),
    ]);
    const gone = await startHttpStub(() => undefined);
    await gone.close();
    const all = [good, old, bare, gone].map(({ address }) => address);
    await assert.rejects(prove(all, 0.2), (error: unknown) => {
      assert(error instanceof Error);
      assert.deepEqual(error.message.split("\n"), [
        "frontend.localhost: the new split is not proven within 0.2 s; nothing was scaled down. The route is written and this update can be repeated.",
        `  ${old.address}: found x-pyairtable-route: old (status 200), expected x-pyairtable-route: new`,
        `  ${bare.address}: found x-pyairtable-route: none (status 404), expected x-pyairtable-route: new`,
        `  ${gone.address}: found connect ECONNREFUSED ${gone.address}, expected x-pyairtable-route: new`,
      ]);
      return true;
    });
  });

  it("proves nothing by no replica", async () => {
    await assert.rejects(prove([]), {
      message: "frontend.localhost: found no replica of the proxy, expected at least one to prove the split",
    });
  });

  describe("with a Service", () => {
    async function apiServer(reply: Reply): Promise<HttpStub> {
      const stub = await startHttpStub(() => reply);
      stubs.push(stub);
      return stub;
    }

    it("asks every ready endpoint of all its slices at the port given", async () => {
      const replica = await proxy(() => converged);
      const endpoint = (address: string, conditions = {}): object => ({ addresses: [address], conditions });
      const api = await apiServer({
        body: {
          items: [
            { endpoints: [endpoint("127.0.0.1"), endpoint("192.0.2.9", { ready: false })] },
            { endpoints: null },
            { endpoints: [endpoint("127.0.0.1", { ready: true })] },
          ],
        },
      });
      await prove({ service: "projectcontour/envoy", port: replica.port }, 2, api.origin);
      assert.equal(replica.asked.length, 2);
      assert.deepEqual(
        api.asked.map(({ path }) => decodeURIComponent(path)),
        [
          "/apis/discovery.k8s.io/v1/namespaces/projectcontour/endpointslices?labelSelector=kubernetes.io/service-name=envoy",
        ],
      );
    });

    it("proves nothing by a Service without endpoints", async () => {
      const api = await apiServer({ body: { items: [] } });
      await assert.rejects(
        prove({ service: "a/b", port: 80 }, 2, api.origin),
        /found no replica of the proxy/,
      );
    });

    it("says what the API server answered instead of endpoints", async () => {
      const api = await apiServer({ status: 403 });
      await assert.rejects(prove({ service: "a/b", port: 80 }, 2, api.origin), {
        message: "found status 403 for the endpoints of a/b, expected 200",
      });
    });
  });
});
