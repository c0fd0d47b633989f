import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { baselineOfLegacy } from "../../../cutover/baseline";
import { UsageError } from "../../../cutover/project";
import { Held, Refused } from "../../../cutover/refused";
import type { Split } from "../../../migration";
import { SERIES } from "../../../monitoring/indicators";
import { stackFile } from "../config/stackFile";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { blue, half, hours, routeOf, situation, staged, wantedOf } from "./situations";

const hour = 3_600_000;

describe("the baseline of legacy", () => {
  let stub: HttpStub;
  let figures: Readonly<Record<string, number>>;

  before(async () => {
    stub = await startHttpStub(({ body }) => {
      const query = new URLSearchParams(body).get("query") ?? "";
      const [, value] = Object.entries(figures).find(([name]) => query.includes(name)) ?? [];
      const result = value === undefined ? [] : [{ metric: {}, value: [0, String(value)] }];
      return { body: { status: "success", data: { resultType: "vector", result } } };
    });
  });

  beforeEach(() => {
    figures = {
      [SERIES.errors]: 0.012_345_6,
      [SERIES.latency]: 0.123_456,
      [SERIES.requests]: 7_200,
      count_over_time: 1,
      min_over_time: 1,
    };
  });

  after(() => stub.close());

  function surveyed(traffic: Split | undefined, monitoring?: object) {
    const file = {
      frontend: { ...staged, ...(traffic && { traffic }) },
      ...(monitoring && { monitoring: { ...monitoring } }),
    };
    const live = new Map([["frontend", routeOf("frontend", wantedOf(file).frontend)] as const]);
    return { config: parseStackConfig(stackFile(file)), live, situation: situation({ file }) };
  }

  const watched = () => ({ rules: "files", prometheus: stub.origin });

  it("is the mean of all that legacy did, rounded for a file that people read", async () => {
    assert.deepEqual(await baselineOfLegacy("frontend", surveyed(undefined, watched()), hour), {
      latencySeconds: 0.123,
      errorRatio: 0.0123,
      requestsPerSecond: 2,
      requests: 7_200,
      measuredAt: hours(1),
    });
    assert.ok(stub.asked.length > 0);
    for (const { body } of stub.asked) {
      const query = new URLSearchParams(body).get("query") ?? "";
      assert.doesNotMatch(query, /max_over_time/);
      assert.match(query, /\[1h[\]:]/);
      assert.match(query, /target="frontend", backend=~?"\|?legacy"/);
    }
  });

  it("is measured as long as legacy has a share, and not after", async () => {
    await baselineOfLegacy("frontend", surveyed(half, watched()), hour);
    await assert.rejects(
      baselineOfLegacy("frontend", surveyed(blue, watched()), hour),
      (error) => error instanceof Refused && !(error instanceof Held) && /legacy has 0 %/.test(error.message),
    );
  });

  it("isn't made of too little: it is held, with what is missing", async () => {
    figures = { ...figures, [SERIES.requests]: 29 };
    await assert.rejects(
      baselineOfLegacy("frontend", surveyed(undefined, watched()), hour),
      (error) =>
        error instanceof Held && /found 29 requests in 1 h, expected 30 or more$/.test(error.message),
    );
  });

  it("isn't made without an answer", async () => {
    const nobody = { rules: "files", prometheus: "http://127.0.0.1:9" };
    await assert.rejects(
      baselineOfLegacy("frontend", surveyed(undefined, nobody), hour),
      (error) => error instanceof Held && /can't be asked: .*; nothing was changed\.$/.test(error.message),
    );
  });

  it("isn't for a stack that watches nothing", async () => {
    await assert.rejects(baselineOfLegacy("frontend", surveyed(undefined), hour), UsageError);
  });
});
