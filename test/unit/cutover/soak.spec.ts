import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { parseStackConfig } from "../../../config/parse";
import { exitCodes } from "../../../cutover/exitCodes";
import { UsageError } from "../../../cutover/project";
import { Held, Refused, enforce } from "../../../cutover/refused";
import { exitCodeOf, soaking } from "../../../cutover/soak";
import { renderSoak } from "../../../cutover/soakView";
import type { Finding } from "../../../evidence/ask";
import type { Violation } from "../../../migration";
import { stackFile } from "../config/stackFile";
import { blue, half, hours, routeOf, staged, start, wantedOf } from "./situations";

const pipe = new PassThrough();

const baseline = {
  latencySeconds: 0.1,
  errorRatio: 0,
  requestsPerSecond: 2,
  requests: 7_200,
  measuredAt: "2026-11-23T08:00:00Z",
};
const file = {
  frontend: { ...staged, traffic: blue, baseline },
  docs: { ...staged, traffic: half },
};
const wanted = wantedOf(file);
const surveyed = {
  config: parseStackConfig(stackFile(file)),
  live: new Map([
    ["frontend", routeOf("frontend", wanted.frontend)] as const,
    ["docs", routeOf("docs", wanted.docs)] as const,
  ]),
};

const well: Finding = {
  subject: { target: "frontend", color: "blue", since: start },
  measured: {
    overMs: 7_200_000,
    meanOverMs: 300_000,
    requests: 14_400,
    errors: 0.012,
    latency: 0.1034,
    healthy: true,
    watched: 0.987,
    alerts: [],
  },
  verdict: { kind: "go" },
};
const unknown: Finding = {
  subject: { target: "docs", color: "blue", since: start },
  verdict: {
    kind: "hold",
    doubts: [{ found: "Prometheus at http://p can't be asked: no answer in time", expected: "measurements" }],
  },
};
const bad: Finding = {
  ...unknown,
  measured: {
    overMs: 60_000,
    meanOverMs: 60_000,
    requests: 20,
    errors: undefined,
    latency: undefined,
    healthy: false,
    watched: 1,
    alerts: ["LatencyHigh", "LoginsFailing"],
  },
  verdict: { kind: "bad", doubts: [{ found: "a failed health check", expected: "none" }] },
};

const rendered = (findings: readonly Finding[], at = hours(2)): string =>
  renderSoak(soaking({ ...surveyed, findings }, undefined), at, pipe);

describe("cutover soak", () => {
  it("shows each figure beside what the plan allows, and until when the soak lasts", () => {
    assert.equal(
      rendered([well]),
      [
        "frontend  blue 100  soaking until 2026-11-24 08:00Z  go",
        "                        blue                allowed",
        "  requests              14400",
        "  failed, worst 5 min   1.2 %               at most 5 %",
        "  latency, worst 5 min  103 ms              at most 120 ms, legacy 100 ms",
        "  health                every check passed  every check",
        "  watched               98.7 %              of the time",
        "  alerts                none                none",
      ].join("\n"),
    );
    assert.match(rendered([well], hours(24)), /soaked since 2026-11-24 08:00Z {2}go/);
  });

  it("says what isn't known", () => {
    assert.equal(
      rendered([unknown]),
      [
        "docs  legacy 50 / blue 50  since 2026-11-23 08:00Z  HOLD",
        "  found Prometheus at http://p can't be asked: no answer in time, expected measurements",
      ].join("\n"),
    );
  });

  it("says what is bad", () => {
    const text = rendered([bad]);
    for (const line of [
      /^docs .* BAD$/m,
      /^ {2}failed +not measured +at most 5 %$/m,
      /^ {2}latency +not measured +no baseline$/m,
      /^ {2}health +failed +every check$/m,
      /^ {2}alerts +LatencyHigh, LoginsFailing +none$/m,
      /^ {2}found a failed health check, expected none$/m,
    ]) {
      assert.match(text, line);
    }
  });

  it("says that nothing is on its way", () => {
    assert.equal(rendered([]), "Nothing is on its way.");
    assert.deepEqual(soaking({ ...surveyed, findings: [well] }, "automation"), []);
  });

  it("ends with 6 where something isn't known, with 3 where something is bad", () => {
    const code = (findings: readonly Finding[]) => exitCodeOf(soaking({ ...surveyed, findings }, undefined));
    assert.equal(code([]), exitCodes.done);
    assert.equal(code([well]), exitCodes.done);
    assert.equal(code([well, unknown]), exitCodes.held);
    assert.equal(code([unknown, bad]), exitCodes.refused);
  });

  it("isn't for a stack that wants no evidence", () => {
    assert.throws(() => soaking({ ...surveyed, findings: undefined }, undefined), UsageError);
  });
});

describe("what the rules refuse a command", () => {
  const violation: Violation = {
    target: "frontend",
    rule: "evidence",
    key: "pyairtable:frontend.traffic",
    found: "HOLD: nothing measured",
    expected: "measurements",
    fix: "wait",
    held: true,
  };
  const { held, ...known } = violation;

  it("is held if all of it is that too little is known, else refused", () => {
    assert.equal(held, true);
    enforce([]);
    assert.throws(() => enforce([violation]), Held);
    assert.throws(
      () => enforce([violation, known]),
      (error) => error instanceof Refused && !(error instanceof Held),
    );
  });
});
