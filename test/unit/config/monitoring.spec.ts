import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { type Entry, problemsOf, stackFile } from "./stackFile";

const monitoring = { rules: "operator", prometheus: "https://prometheus.pyairtable.example" };
const local = { environment: "local" };
const baseline = {
  latencySeconds: 0.1,
  errorRatio: 0.001,
  requestsPerSecond: 12.5,
  requests: 45_000,
  measuredAt: "2025-08-11T09:00:00Z",
};
const indicator = { name: "LoginsFailing", expr: "rate(logins_failed_total[1m])", above: 0.5 };

function problems(entry: Entry, platform: Entry = {}): readonly string[] {
  return problemsOf(stackFile({ monitoring: { ...monitoring, ...entry }, platform }));
}

function problemsOfFrontend(entry: Entry): readonly string[] {
  return problemsOf(stackFile({ frontend: entry }));
}

describe("monitoring in a stack file", () => {
  it("is absent unless it is asked for", () => {
    assert.equal(parseStackConfig(stackFile()).monitoring, undefined);
  });

  it("requires evidence, and keeps the plan's durations, unless it says otherwise", () => {
    const said = { ...monitoring, evidence: "required", timeScale: 1 };
    assert.deepEqual(parseStackConfig(stackFile({ monitoring })).monitoring, said);
  });

  it("may shorten the plan's durations on the local stack, and nowhere else", () => {
    assert.deepEqual(problems({ timeScale: 0.05 }, local), []);
    assert.deepEqual(problems({ timeScale: 0.05 }), [
      "pyairtable:monitoring.timeScale: found 0.05, expected no such key in production",
    ]);
  });

  it("is refused whole when any of it can't be understood", () => {
    assert.deepEqual(
      problems(
        {
          rules: "both",
          prometheus: "prometheus:9090",
          evidence: "maybe",
          timeScale: 2,
          stack: { retentionDays: 0 },
        },
        local,
      ),
      [
        'pyairtable:monitoring.rules: found "both", expected operator or files',
        'pyairtable:monitoring.prometheus: found "prometheus:9090", expected an http or https URL without credentials (https://prometheus.pyairtable.example)',
        'pyairtable:monitoring.evidence: found "maybe", expected required or off',
        "pyairtable:monitoring.timeScale: found 2, expected a number above 0, at most 1",
        "pyairtable:monitoring.stack.retentionDays: found 0, expected a whole number of days, 1 or more",
        "pyairtable:monitoring.stack.storageGi: found nothing, expected a whole number of GiB, 1 or more",
      ],
    );
  });

  it("takes no URL with credentials, which would be in git", () => {
    assert.equal(problems({ prometheus: "https://me:secret@prometheus.example" }).length, 1);
  });

  it("has the stack's Prometheus read the operator's objects", () => {
    const stack = { retentionDays: 30, storageGi: 50 };
    assert.deepEqual(problems({ stack }), []);
    assert.deepEqual(problems({ stack, rules: "files" }), [
      "pyairtable:monitoring.stack: found it beside rules: files, expected rules: operator, which it brings",
    ]);
  });
});

describe("a target's baseline and indicators in a stack file", () => {
  it("are read", () => {
    const file = stackFile({ frontend: { baseline, indicators: [indicator] } });
    const { frontend } = parseStackConfig(file).targets;
    assert.deepEqual(frontend.baseline, { ...baseline, measuredAt: new Date("2025-08-11T09:00:00Z") });
    assert.deepEqual(frontend.indicators, [indicator]);
  });

  it("are none unless given: nothing is assumed", () => {
    const { frontend } = parseStackConfig(stackFile()).targets;
    assert.equal(frontend.baseline, undefined);
    assert.deepEqual(frontend.indicators, []);
  });

  it("are refused with what was found", () => {
    const bad = { ...baseline, latencySeconds: 0, errorRatio: 2, requests: 0, measuredAt: "today" };
    assert.deepEqual(problemsOfFrontend({ baseline: bad }), [
      "pyairtable:frontend.baseline.latencySeconds: found 0, expected a number of seconds above 0",
      "pyairtable:frontend.baseline.errorRatio: found 2, expected a share from 0 to 1",
      "pyairtable:frontend.baseline.requests: found 0, expected a whole number of requests, 1 or more",
      'pyairtable:frontend.baseline.measuredAt: found "today", expected a time in UTC (2025-08-11T09:00:00Z)',
    ]);
  });

  it("are refused with PromQL that Prometheus would not load, and where it breaks off", () => {
    const indicators = [
      { ...indicator, expr: "rate(logins_failed_total[1m]" },
      { ...indicator, name: "Slow", expr: "histogram_quantil(0.9, x)" },
      { ...indicator, name: "slow!", expr: "sum by (le) (x)", above: "1" },
    ];
    assert.deepEqual(problemsOfFrontend({ indicators }), [
      'pyairtable:frontend.indicators.0.expr: found "rate(logins_failed_total[1m]", expected a PromQL expression, without an early end',
      'pyairtable:frontend.indicators.1.expr: found "histogram_quantil(0.9, x)", expected a PromQL expression, without the error at "(0.9, x)"',
      'pyairtable:frontend.indicators.2.name: found "slow!", expected the name of an alert (LoginsFailing)',
      'pyairtable:frontend.indicators.2.above: found "1", expected a number',
    ]);
  });

  it("have names of their own", () => {
    const indicators = [indicator, indicator, { ...indicator, name: "HealthCheckFailing" }];
    assert.deepEqual(problemsOfFrontend({ indicators }), [
      "pyairtable:frontend.indicators.1.name: found LoginsFailing twice, expected a name of its own",
      "pyairtable:frontend.indicators.2.name: found HealthCheckFailing, expected a name that no alert of the plan has",
    ]);
  });
});
