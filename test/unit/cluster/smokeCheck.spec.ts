import assert from "node:assert/strict";
import { type RoutedTarget, catalogEntry } from "../../../catalog";
import { smokeCheck } from "../../../cluster/smokeCheck";
import type { Backend } from "../../../migration";
import { type Answerer, type HttpStub, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const tools = (count: number): object => ({
  result: { tools: Array.from({ length: count }, (_, id) => ({ id })) },
});

describe("smokeCheck", function () {
  // A check is tried for some seconds before it has failed.
  this.timeout(15_000);

  const stubs: HttpStub[] = [];
  afterEach(() => Promise.all(stubs.splice(0).map((stub) => stub.close())));

  async function serve(answer: Answerer): Promise<HttpStub> {
    const stub = await startHttpStub(answer);
    stubs.push(stub);
    return stub;
  }

  /** Against one server, which is the API server for a color and the monorepo's container for legacy. */
  async function check({ origin, port }: HttpStub, target: RoutedTarget, backend: Backend): Promise<void> {
    await smokeCheck(await connectTo(origin), {
      target: { ...target, legacyPort: port },
      backend,
      namespace: "apps",
      legacyHost: "127.0.0.1",
    });
  }

  it("asks a color's Service through the API server, with the kubeconfig's credential", async () => {
    const stub = await serve(() => ({}));
    await check(stub, catalogEntry("frontend"), "blue");
    assert.deepEqual(
      stub.asked.map(({ method, path, headers }) => [method, path, headers.authorization]),
      [["GET", "/api/v1/namespaces/apps/services/http:frontend-blue:http/proxy/", "Bearer test-token"]],
    );
  });

  it("asks legacy at its own address, without the kubeconfig's credential", async () => {
    const stub = await serve(() => ({}));
    await check(stub, catalogEntry("api-gateway"), "legacy");
    assert.deepEqual(
      stub.asked.map(({ path, headers }) => [path, headers.authorization]),
      [["/healthz", undefined]],
    );
  });

  it("passes an MCP server that lists its 14 tools", async () => {
    const stub = await serve(() => ({ body: tools(14) }));
    await check(stub, catalogEntry("mcp-server"), "green");
    const [asked] = stub.asked;
    assert.equal(asked?.method, "POST");
    assert.equal(asked.path, "/api/v1/namespaces/apps/services/http:mcp-server-green:http/proxy/mcp");
    assert.deepEqual(JSON.parse(asked.body), { jsonrpc: "2.0", id: 1, method: "tools/list" });
  });

  it("gives a backend that has only just become ready another chance", async () => {
    const stub = await serve(() => ({ status: stub.asked.length < 2 ? 503 : 200 }));
    await check(stub, catalogEntry("docs"), "blue");
    assert.equal(stub.asked.length, 2);
  });

  it("says what each failing check found, having tried five times", async () => {
    const mcp = catalogEntry("mcp-server");
    const failing: Record<string, [Answerer, RegExp]> = {
      "13 tools": [() => ({ body: tools(13) }), /lists 14 tools: found 13 at \/result\/tools, expected 14/],
      "15 tools": [() => ({ body: tools(15) }), /found 15 at \/result\/tools, expected 14/],
      "no list": [() => ({ body: { error: {} } }), /found no list at \/result\/tools, expected one of 14/],
      "no JSON": [() => ({ body: "<html>" }), /lists 14 tools: .*JSON/],
      "another status": [() => ({ status: 500 }), /found status 500, expected 200/],
    };
    await Promise.all(
      Object.entries(failing).map(async ([what, [answer, message]]) => {
        const stub = await serve(answer);
        await assert.rejects(check(stub, mcp, "blue"), (error: unknown) => {
          assert(error instanceof Error);
          assert.match(error.message, message, what);
          assert.match(
            error.message,
            /^pyairtable:mcp-server: blue failed its smoke check; no traffic was moved to it:/,
          );
          return true;
        });
        assert.equal(stub.asked.length, 5, what);
      }),
    );
  });

  it("lists all checks that failed, and only those", async () => {
    const stub = await serve(({ path }) => (path.endsWith("/good") ? {} : undefined));
    const checkOf = (path: string): RoutedTarget["smokeChecks"][number] => ({
      name: `answers ${path}`,
      request: { method: "GET", path },
      expect: { status: 200 },
    });
    const target = { ...catalogEntry("docs"), smokeChecks: ["/good", "/bad", "/worse"].map(checkOf) };
    await assert.rejects(check(stub, target, "blue"), (error: unknown) => {
      assert(error instanceof Error);
      assert.deepEqual(error.message.split("\n").slice(1), [
        "  answers /bad: found status 404, expected 200",
        "  answers /worse: found status 404, expected 200",
      ]);
      return true;
    });
  });

  it("says that a backend can't be reached", async () => {
    const stub = await startHttpStub(() => undefined);
    await stub.close();
    await assert.rejects(check(stub, catalogEntry("docs"), "legacy"), /answers \/: connect ECONNREFUSED/);
  });
});
