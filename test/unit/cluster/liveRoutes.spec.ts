import assert from "node:assert/strict";
import { ClusterError, readLiveRoutes } from "../../../cluster/liveRoutes";
import { UnreachableError } from "../../../cluster/kubeApi";
import { type LiveRoute, nextRecord, toAnnotations } from "../../../migration";
import { type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const record = nextRecord(
  "frontend",
  undefined,
  {
    split: { legacy: 90, blue: 10, green: 0 },
    images: { blue: "registry/app:1" },
    legacy: "standby",
    adopt: false,
  },
  new Date("2025-08-11T09:00:00Z"),
);
const byHeader = {
  matches: [{ headers: [{ name: "x-pyairtable-backend", value: "blue" }] }],
  backendRefs: [{ name: "frontend-blue", weight: 1 }],
};

describe("readLiveRoutes", () => {
  let stub: HttpStub | undefined;
  afterEach(() => stub?.close());

  async function read(reply: Reply): Promise<ReadonlyMap<string, LiveRoute>> {
    stub = await startHttpStub(() => reply);
    return readLiveRoutes(await connectTo(stub.origin), "apps");
  }

  function frontend(weights: Record<string, number | undefined>, annotations = toAnnotations(record)): Reply {
    const backendRefs = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    const rules = [byHeader, { matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs }];
    return { body: { items: [{ metadata: { name: "frontend", annotations }, spec: { rules } }] } };
  }

  it("reads all routes with one request", async () => {
    assert.deepEqual(await read({ body: { items: [] } }), new Map());
    assert.deepEqual(
      stub?.asked.map(({ method, path }) => `${method} ${path}`),
      ["GET /apis/gateway.networking.k8s.io/v1/namespaces/apps/httproutes"],
    );
  });

  it("gives back the record that was written, by the weights that users meet", async () => {
    const routes = await read(frontend({ "frontend-legacy": 90, "frontend-blue": 10, "frontend-green": 0 }));
    assert.deepEqual(routes, new Map([["frontend", record]]));
  });

  it("leaves out routes that are no target's", async () => {
    const routes = await read({ body: { items: [{ metadata: { name: "grafana" }, spec: {} }] } });
    assert.equal(routes.size, 0);
  });

  it("doesn't believe weights that were edited by hand", async () => {
    const routes = await read(frontend({ "frontend-legacy": 0, "frontend-blue": 100, "frontend-green": 0 }));
    assert.deepEqual(routes.get("frontend"), {
      tampered: "its weights are blue 100, but the annotation pyairtable.dev/split says legacy 90 / blue 10",
    });
  });

  it("doesn't believe a route to a foreign backend", async () => {
    const routes = await read(frontend({ "frontend-legacy": 90, "intruder-blue": 10 }));
    assert.deepEqual(routes.get("frontend"), {
      tampered: "its backend intruder-blue is none of this target's",
    });
  });

  it("takes a missing weight for 1, as the Gateway API does", async () => {
    const routes = await read(frontend({ "frontend-blue": undefined }));
    assert.match(JSON.stringify(routes.get("frontend")), /its weights are blue 1,/);
  });

  it("doesn't believe a route without rules or annotations", async () => {
    const routes = await read({ body: { items: [{ metadata: { name: "docs" }, spec: {} }] } });
    assert.deepEqual(routes.get("docs"), { tampered: "the annotation pyairtable.dev/split is missing" });
  });

  it("says what a cluster without the Gateway API lacks", async () => {
    await assert.rejects(read({ status: 404, body: "404 page not found" }), (error: unknown) => {
      assert(error instanceof ClusterError);
      assert.match(
        error.message,
        /^cluster test \(http:.*\): found no HTTPRoute type, expected the Gateway API's standard CRDs \(gateway\.networking\.k8s\.io\/v1\) to be installed$/,
      );
      return true;
    });
  });

  it("says so when the credentials aren't accepted, as when they have expired", async () => {
    await assert.rejects(read({ status: 401, body: { message: "Unauthorized" } }), {
      name: "ClusterError",
      message:
        /^cluster test \(http:.*\): found credentials that it doesn't accept \(status 401\), expected the kubeconfig's to be valid: log in again, they may have expired; nothing was changed$/,
    });
  });

  it("says what the cluster answered when it refuses the read", async () => {
    const reply = { status: 403, body: { message: "httproutes is forbidden" } };
    await assert.rejects(read(reply), {
      name: "ClusterError",
      message: /found status 403 for the list of routes in apps, expected 200: .*forbidden/,
    });
  });

  for (const [what, body] of Object.entries({
    "no JSON": "<html>",
    "another document": { kind: "Status" },
  })) {
    it(`names the cluster that answers with ${what}`, async () => {
      await assert.rejects(read({ body }), { name: "ClusterError", message: /^cluster test / });
    });
  }

  it("names the cluster that it can't reach", async () => {
    const stopped = await startHttpStub(() => undefined);
    const api = await connectTo(stopped.origin);
    await stopped.close();
    await assert.rejects(readLiveRoutes(api, "apps"), UnreachableError);
  });
});
