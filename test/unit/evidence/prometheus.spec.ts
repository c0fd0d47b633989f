import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { NoAnswer, Prometheus } from "../../../evidence/prometheus";
import { type PastPrometheus, startPrometheusOrSkip } from "../../support/prometheus";
import { freePort } from "../../support/registry";
import { type Reply, startHttpStub } from "../support/httpStub";

/** How it says that there is no answer. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (error) {
    assert.ok(error instanceof NoAnswer, String(error));
    return error.message;
  }
  return assert.fail("there was an answer");
}

describe("a question to a real Prometheus", function () {
  this.timeout(60_000);
  let prometheus: PastPrometheus;

  before(async function () {
    const of = (name: string, value: number) => ({
      name: "figure",
      labels: { name },
      seconds: 60,
      value: () => value,
    });
    prometheus = await startPrometheusOrSkip(this, [of("one", 1), of("half", 0.5), of("none", NaN)]);
  });

  after(() => (prometheus as PastPrometheus | undefined)?.stop());

  const query = (expression: string) => new Prometheus(prometheus.url).query(expression, prometheus.now);

  it("is answered by values with their labels, NaN and infinities left out", async () => {
    const found = await query(`figure / on () group_left vector(1)`);
    assert.deepEqual(found.map(({ labels, value }) => [labels["name"], value]).sort(), [
      ["half", 0.5],
      ["one", 1],
    ]);
    assert.deepEqual(await query("figure / 0"), []);
    assert.deepEqual(await query("nothing"), []);
  });

  it("is asked about a moment", async () => {
    const before = new Date(prometheus.now.getTime() - 3_600_000);
    assert.deepEqual(await new Prometheus(prometheus.url).query("figure", before), []);
  });

  it("has no answer if it is none, in Prometheus' words", async () => {
    const words = await refusal(query("figure{"));
    assert.match(words, /^at http:\/\/127\.0\.0\.1:\d+ answered 400: .*parse error/);
  });

  it("has none if the answer is no vector", async () => {
    assert.match(await refusal(query("1")), /answered 200$/);
  });
});

describe("a question to Prometheus", () => {
  const now = new Date("2025-08-11T09:00:00Z");

  for (const [name, reply, expected] of [
    ["garbage", { body: "<html>" }, /answered 200$/],
    ["nothing", { body: "" }, /answered 200$/],
    ["JSON of another kind", { body: { status: "success", data: [] } }, /answered 200$/],
    ["an error page of a proxy", { status: 502, body: "Bad Gateway" }, /answered 502$/],
    ["a success with a status that is none", { status: 500, body: vector() }, /answered 500$/],
    [
      "an error",
      { status: 503, body: { status: "error", error: "query timed out" } },
      /answered 503: query timed out$/,
    ],
  ] as const satisfies readonly (readonly [string, Reply, RegExp])[]) {
    it(`has no answer in ${name}`, async () => {
      const stub = await startHttpStub(() => reply);
      try {
        assert.match(await refusal(new Prometheus(stub.origin).query("up", now)), expected);
      } finally {
        await stub.close();
      }
    });
  }

  it("goes to the path below the URL, whether that ends in a slash or not", async () => {
    const stub = await startHttpStub(() => ({ body: vector() }));
    try {
      for (const url of [`${stub.origin}/prometheus`, `${stub.origin}/prometheus/`]) {
        assert.deepEqual(await new Prometheus(url, 7_000).query("up == 1", now), []);
      }
      assert.deepEqual(
        stub.asked.map(({ method, path }) => `${method} ${path}`),
        Array(2).fill("POST /prometheus/api/v1/query"),
      );
      const asked = Object.fromEntries(new URLSearchParams(stub.asked[0]?.body));
      assert.deepEqual(asked, { query: "up == 1", time: "1754902800.000", timeout: "7000ms" });
    } finally {
      await stub.close();
    }
  });

  it("has none where nobody listens", async () => {
    const words = await refusal(new Prometheus(`http://127.0.0.1:${await freePort()}`).query("up", now));
    assert.match(words, /can't be asked: .*ECONNREFUSED/);
  });

  it("has none within its patience from a socket that hangs, before its answer or in it", async () => {
    for (const said of ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"]) {
      const server = net.createServer((socket) => socket.on("error", () => undefined).write(said));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const bound = server.address();
      assert.ok(bound !== null && typeof bound === "object");
      const started = Date.now();
      const words = await refusal(new Prometheus(`http://127.0.0.1:${bound.port}`, 300).query("up", now));
      server.close();
      assert.match(words, /can't be asked: no answer in time$/);
      assert.ok(Date.now() - started < 2_000);
    }
  });
});

function vector(): object {
  return { status: "success", data: { resultType: "vector", result: [] } };
}
