import assert from "node:assert/strict";
import { type Measured, measure, type MeasureArgs } from "../../../evidence/measure";
import { Prometheus } from "../../../evidence/prometheus";
import { timingOf } from "../../../monitoring/timing";
import { type PastPrometheus, startPrometheusOrSkip } from "../../support/prometheus";
import { fired, past } from "./recorded";

const hour = 3_600;
const day = 24 * hour;
const during = (from: number, seconds: number) => (ago: number) => ago <= from && ago > from - seconds;

const burstSeconds = 330;
const burst = during(7 * hour, burstSeconds);
const shortBurst = during(7 * hour, 150);

/** Each target is a case of its own. */
const recorded = [
  ...past("frontend", "blue", {
    seconds: day + hour,
    errors: (ago) => (burst(ago) ? 0.2 : 0),
    latency: (ago) => (burst(ago) ? 0.3 : 0.1),
  }),
  ...past("frontend", "green", { seconds: day, errors: (ago) => (shortBurst(ago) ? 0.2 : 0) }),
  // Six in seven requests come in the second half.
  ...past("docs", "blue", {
    seconds: 300,
    samples: (ago) => (ago > 150 ? 50 : 300),
    errors: (ago) => (ago > 150 ? 0.14 : 0),
    latency: (ago) => (ago > 150 ? 0.24 : 0.1),
  }),
  // A mean of few requests, beside one that counts.
  ...past("automation", "blue", {
    seconds: hour,
    samples: (ago) => (ago > 600 ? 2 : 60),
    errors: (ago) => (ago > 600 ? 1 : 0.02),
  }),
  ...past("automation", "green", { seconds: hour, samples: () => 2, errors: () => 1 }),
  ...past("mcp-server", "blue", {
    seconds: hour,
    errors: (ago) => (ago > 1_800 ? NaN : 0),
    latency: () => NaN,
    health: (ago) => (ago > 1_800 ? undefined : 1),
  }),
  ...past("api-gateway", "blue", { seconds: hour, health: (ago) => (ago === 1_800 ? 0 : 1) }),
  ...past("auth-service", "blue", { seconds: hour }),
  ...past("airtable-gateway", "blue", { seconds: hour, database: () => 1 }),
  ...past("airtable-gateway", "green", { seconds: hour, database: (ago) => (ago === 1_800 ? 0 : 1) }),
  fired("UserReportsTooMany", { target: "auth-service", severity: "critical", action: "rollback" }),
  fired("LatencyTooHigh", {
    target: "auth-service",
    backend: "blue",
    severity: "critical",
    action: "rollback",
  }),
  fired("ResourcesNearLimit", { target: "auth-service", backend: "blue", severity: "warning" }),
  fired("LoginsFailing", { target: "auth-service", severity: "warning" }),
  // These don't speak against blue.
  fired("AuthenticationErrors", { target: "auth-service", backend: "blue", severity: "critical" }),
  fired("UserReported", { target: "auth-service", severity: "critical" }),
  fired("TrafficUnusual", { target: "auth-service", severity: "warning" }),
  fired("SoakOver", { target: "auth-service", severity: "info" }),
  fired("ErrorRateHigh", { target: "auth-service", backend: "legacy", severity: "warning" }),
  fired("ErrorRateHigh", { target: "docs", backend: "blue", severity: "warning" }),
];

describe("what is measured, by a real Prometheus", function () {
  this.timeout(60_000);
  let prometheus: PastPrometheus;

  before(async function () {
    prometheus = await startPrometheusOrSkip(this, recorded);
  });

  after(() => (prometheus as PastPrometheus | undefined)?.stop());

  const measured = ({
    seconds,
    ...args
  }: Pick<MeasureArgs, "target" | "backend"> & {
    seconds: number;
    meanOverMs?: number;
    database?: boolean;
  }): Promise<Measured> =>
    measure(new Prometheus(prometheus.url), {
      meanOverMs: 300_000,
      ...args,
      overMs: seconds * 1_000,
      now: prometheus.now,
      timing: timingOf(),
    });

  it("are the worst five minutes of a day, not its mean", async () => {
    const started = Date.now();
    const found = await measured({ target: "frontend", backend: "blue", seconds: day });
    const took = Date.now() - started;
    process.stdout.write(`      a day is measured in ${took} ms\n`);
    assert.deepEqual(found, {
      overMs: day * 1_000,
      meanOverMs: 300_000,
      requests: 2 * day,
      errors: 0.2,
      latency: 0.3,
      healthy: true,
      watched: 1,
      alerts: [],
    });
    assert.ok(took < 10_000, `${took} ms`);
  });

  it("weigh a burst that is shorter by its part of the five minutes", async () => {
    const { errors } = await measured({ target: "frontend", backend: "green", seconds: day });
    assert.ok(errors !== undefined && Math.abs(errors - 0.1) < 0.004, String(errors));
  });

  it("are whether every connection to a target's own database was made, where there is one", async () => {
    const asked = { seconds: hour, database: true } as const;
    const connected = async (args: Pick<MeasureArgs, "target" | "backend">): Promise<boolean | undefined> =>
      (await measured({ ...asked, ...args })).connected;
    assert.equal(await connected({ target: "airtable-gateway", backend: "blue" }), true);
    assert.equal(await connected({ target: "airtable-gateway", backend: "green" }), false);
    assert.equal(await connected({ target: "auth-service", backend: "blue" }), undefined);
    assert.ok(!("connected" in (await measured({ target: "auth-service", backend: "blue", seconds: hour }))));
  });

  it("leave out what was before", async () => {
    const { errors, latency } = await measured({ target: "frontend", backend: "blue", seconds: 6 * hour });
    assert.deepEqual([errors, latency], [0, 0.1]);
  });

  it("are the mean of the whole stretch where that is asked, as of a baseline", async () => {
    const asked = { target: "frontend", backend: "blue", seconds: day, meanOverMs: day * 1_000 } as const;
    const { errors } = await measured(asked);
    assert.ok(
      errors !== undefined && Math.abs(errors - (0.2 * burstSeconds) / day) < 0.000_02,
      String(errors),
    );
  });

  it("weigh each window as its requests do", async () => {
    const { errors, latency, requests } = await measured({ target: "docs", backend: "blue", seconds: 300 });
    assert.ok(errors !== undefined && Math.abs(errors - 0.02) < 0.001, String(errors));
    assert.ok(latency !== undefined && Math.abs(latency - 0.12) < 0.001, String(latency));
    assert.ok(Math.abs(requests - 875) < 25, String(requests));
  });

  it("are the mean of what there is, of a stretch that is shorter", async () => {
    const found = await measured({ target: "docs", backend: "blue", seconds: 100 });
    assert.deepEqual([found.errors, found.meanOverMs], [0, 100_000]);
  });

  it("leave out what too few requests stand on", async () => {
    const some = await measured({ target: "automation", backend: "blue", seconds: hour });
    assert.ok(some.errors !== undefined && some.errors < 0.1, String(some.errors));
    const few = await measured({ target: "automation", backend: "green", seconds: hour });
    assert.deepEqual([few.errors, few.latency, few.requests], [undefined, undefined, 120]);
  });

  it("leave out NaN, and say for how long was looked", async () => {
    const found = await measured({ target: "mcp-server", backend: "blue", seconds: hour });
    assert.deepEqual([found.errors, found.latency, found.healthy], [0, undefined, true]);
    assert.ok(Math.abs(found.watched - 0.5) < 0.01, String(found.watched));
  });

  it("tell of one failed probe in an hour", async () => {
    const asked = { target: "api-gateway", backend: "blue" } as const;
    assert.equal((await measured({ ...asked, seconds: hour })).healthy, false);
    assert.equal((await measured({ ...asked, seconds: 1_700 })).healthy, true);
  });

  it("name the alerts that speak against the backend: triggers, of the whole target too, and warnings", async () => {
    const asked = { target: "auth-service", backend: "blue" } as const;
    const found = await measured({ ...asked, seconds: hour });
    const expected = ["LatencyTooHigh", "LoginsFailing", "ResourcesNearLimit", "UserReportsTooMany"];
    assert.deepEqual(found.alerts, expected);
    assert.deepEqual((await measured({ ...asked, seconds: 600 })).alerts, []);
  });

  it("are unknown of what nobody measures", async () => {
    assert.deepEqual(await measured({ target: "llm-orchestrator", backend: "blue", seconds: 60 }), {
      overMs: 60_000,
      meanOverMs: 60_000,
      requests: 0,
      errors: undefined,
      latency: undefined,
      healthy: undefined,
      watched: 0,
      alerts: [],
    });
  });
});
