import assert from "node:assert/strict";
import { catalogEntry, routedTargets } from "../../../catalog";
import { SERIES } from "../../../monitoring/indicators";
import type { MonitoredTarget } from "../../../monitoring/monitoredTarget";
import { ruleFile, ruleGroups } from "../../../monitoring/rules";
import { timingOf } from "../../../monitoring/timing";
import { monitored, onLegacy, recordOf } from "./monitored";
import { type Expected, checkRules, promtoolOrSkip, testFile, testRules } from "./promtool";
import {
  type Requests,
  type Series,
  connections,
  counter,
  envoy,
  gauge,
  noRequests,
  ofDatabase,
  probes,
  reports,
} from "./scrapes";

const minute = 60;
const hour = 3_600;
const onset = 2 * minute;

const good: Requests = { count: 100, failed: 0, milliseconds: 100 };

function now(alert: string, second: number, fires: boolean): Expected {
  return { alert, second, when: "now", fires };
}

function ever(alert: string, second: number, fires: boolean): Expected {
  return { alert, second, when: "ever", fires };
}

function alertsOf(target: MonitoredTarget): readonly string[] {
  const rules = ruleGroups(target).flatMap((group) => group.rules);
  return rules.flatMap((rule) => ("alert" in rule ? [rule.alert] : []));
}

describe("rules, as Prometheus evaluates them", function () {
  this.timeout(60_000);
  let promtool: string;
  before(function () {
    promtool = promtoolOrSkip(this);
  });

  const rules = ruleFile(monitored());
  const check = (scraped: readonly Series[], ...expected: Expected[]): Promise<void> =>
    testRules(promtool, rules, scraped, expected);

  it("are taken by Prometheus for every target, and at a test's scale", async () => {
    for (const scale of [1, 0.05]) {
      for (const name of routedTargets) {
        const timing = timingOf(scale);
        await checkRules(promtool, ruleFile(monitored({ target: catalogEntry(name), timing })));
      }
    }
  });

  it("say who, how bad, and where to read on", async () => {
    const until = onset + 10;
    await testFile(promtool, rules, {
      input_series: envoy("blue", until, () => ({ ...good, failed: 25 })),
      alert_rule_test: [
        {
          alertname: "ErrorRateTooHigh",
          eval_time: `${until}s`,
          exp_alerts: [
            {
              exp_labels: { target: "frontend", backend: "blue", severity: "critical", action: "rollback" },
              exp_annotations: {
                summary: "frontend: blue fails 25% of its requests, more than 10 %",
                runbook: "docs/alert-errors.md",
              },
            },
          ],
        },
      ],
    });
  });

  describe("of errors", () => {
    const until = onset + 3 * minute;

    it("fire within the window and two scrapes after a healthy release begins to fail", async () => {
      const latest = onset + minute + 10;
      for (const failed of [11, 100]) {
        const scraped = envoy("blue", until, (second) => ({ ...good, failed: second < onset ? 0 : failed }));
        await check(scraped, now("ErrorRateTooHigh", latest, true), ever("ErrorRateTooHigh", onset, false));
      }
      const scraped = envoy("blue", until, (second) => ({ ...good, failed: second < onset ? 0 : 9 }));
      await check(scraped, ever("ErrorRateTooHigh", until, false));
    });

    it("don't count on fewer requests than the least", async () => {
      // Of twelve scrapes in a window: 24 requests, 36 requests.
      const all = (count: number): Series[] =>
        envoy("blue", until, () => ({ ...good, count, failed: count }));
      await check(all(2), ever("ErrorRateTooHigh", until, false));
      await check(all(3), ever("ErrorRateTooHigh", until, true));
    });

    it("see a release none of whose requests has succeeded, or failed, yet", async () => {
      const all = envoy("blue", until, () => ({ ...good, failed: 100 }));
      const without = (code: string): Series[] =>
        all.filter(({ series }) => !series.includes(`class="${code}"`));
      await check(without("2"), now("ErrorRateTooHigh", until, true));
      const fine = envoy("blue", until, () => good).filter(({ series }) => !series.includes('class="5"'));
      await testFile(promtool, rules, {
        input_series: fine,
        promql_expr_test: [
          {
            expr: SERIES.errors,
            eval_time: `${until}s`,
            exp_samples: [{ labels: `${SERIES.errors}{target="frontend", backend="blue"}`, value: 0 }],
          },
        ],
      });
    });

    it("warn about legacy as about a release, after five minutes, and roll nothing back", async () => {
      const end = onset + 6 * minute;
      const scraped = envoy("legacy", end, (second) => ({ ...good, failed: second < onset ? 0 : 50 }));
      await check(
        scraped,
        now("ErrorRateHigh", onset + 4 * minute, false),
        now("ErrorRateHigh", end, true),
        ever("ErrorRateTooHigh", end, false),
      );
    });

    it("wake somebody at the first error of authentication, and of nothing else", async () => {
      const one = envoy("blue", until, (second) => ({ ...good, failed: second === onset ? 1 : 0 }));
      const ofAuth = one.map(({ series, values }) => ({
        series: series.replace("frontend", "auth-service"),
        values,
      }));
      const file = ruleFile(monitored({ target: catalogEntry("auth-service") }));
      await testRules(promtool, file, ofAuth, [now("AuthenticationErrors", onset + 5, true)]);
      await check(one, ever("AuthenticationErrors", until, false));
    });
  });

  describe("of latency", () => {
    const until = onset + 7 * minute;
    const slow = envoy("blue", until, () => ({ ...good, milliseconds: 1_000 }));

    it("compare with the baseline that was measured", async () => {
      await check(slow, now("LatencyTooHigh", until, true), now("LatencyHigh", until, true));
      const tolerable = envoy("blue", until, () => ({ ...good, milliseconds: 250 }));
      await check(tolerable, ever("LatencyTooHigh", until, false), now("LatencyHigh", until, true));
    });

    it("are absent without one", () => {
      const { baseline, ...unmeasured } = monitored();
      assert.ok(baseline);
      const alerts = alertsOf(unmeasured);
      assert.ok(alerts.includes("ErrorRateTooHigh"));
      assert.deepEqual(
        alerts.filter((name) => name.startsWith("Latency")),
        [],
      );
    });
  });

  describe("of health", () => {
    it("wake somebody at the first probe that fails, legacy's too", async () => {
      for (const backend of ["legacy", "blue"]) {
        const scraped = [probes(backend, onset, (second) => (second < onset ? 1 : 0))];
        await check(
          scraped,
          now("HealthCheckFailed", onset - 5, false),
          now("HealthCheckFailed", onset, true),
        );
      }
    });

    it("roll back a release at night, when nobody asks for anything", async () => {
      const until = onset + 5 * minute;
      const failing = probes("blue", until, (second) => (second < onset ? 1 : 0));
      await check(
        [failing, ...envoy("blue", until, () => noRequests)],
        now("HealthCheckFailing", until, true),
      );
    });

    it("roll back one that has requests, whatever a failed update has left written", async () => {
      const until = onset + 5 * minute;
      const failing = probes("blue", until, (second) => (second < onset ? 1 : 0));
      const file = ruleFile(monitored({ record: onLegacy() }));
      const scraped = [failing, ...envoy("blue", until, () => good)];
      await testRules(promtool, file, scraped, [now("HealthCheckFailing", until, true)]);
    });

    it("never roll back legacy", async () => {
      const until = onset + 10 * minute;
      await check(
        [probes("legacy", until, () => 0), ...envoy("legacy", until, () => ({ ...good, failed: 100 }))],
        ever("HealthCheckFailing", until, false),
        ever("ErrorRateTooHigh", until, false),
      );
    });

    it("count five minutes of probes, not of silence: with fewer than half of them they wait", async () => {
      const until = onset + 10 * minute;
      const silent = onset + 3 * minute;
      const file = ruleFile(monitored());
      // The recorded series itself: as it is after a restart, in which nothing is recorded.
      const recorded = gauge(`${SERIES.health}{target="frontend", backend="blue"}`, until, (second) => {
        if (second < onset) return 1;
        return second >= onset + 10 && second < silent ? "stale" : 0;
      });
      const onlyAlerts = file.replace(/ {6}- record: target_backend:health:last\n(?: {8}.*\n)*/g, "");
      assert.notEqual(onlyAlerts, file);
      await testRules(
        promtool,
        onlyAlerts,
        [recorded],
        [
          ever("HealthCheckFailing", onset + 5 * minute - 5, false),
          // 2 probes before the gap, 24 after it.
          now("HealthCheckFailing", onset + 5 * minute, false),
          now("HealthCheckFailing", onset + 5 * minute + 30, false),
          now("HealthCheckFailing", silent + 5 * minute, true),
        ],
      );
    });
  });

  describe("of a database", () => {
    const until = onset + 2 * minute;
    const lost = (backend: string): Series =>
      connections(backend, until, (second) => (second < onset ? 1 : 0));

    it("wake somebody at the first connection that fails, legacy's too", async () => {
      for (const backend of ["legacy", "blue"]) {
        await check(
          [lost(backend)],
          now("DatabaseConnectionFailed", onset - 5, false),
          now("DatabaseConnectionFailed", onset, true),
        );
      }
    });

    it("never roll back legacy, and look at no role that nothing runs with", async () => {
      await check([lost("legacy"), lost("green")], ever("DatabaseConnectionsFailing", until, false));
      await check([lost("green")], ever("DatabaseConnectionFailed", until, false));
    });

    it("ask for read-only as soon as a page fails its checksum, at any hour", async () => {
      const failures = (second: number): number => (second < onset ? 0 : 1);
      await testFile(promtool, ruleFile(monitored({ record: onLegacy() })), {
        input_series: [ofDatabase("checksum_failures", until, failures)],
        alert_rule_test: [
          { alertname: "DatabaseCorrupt", eval_time: `${onset - 5}s`, exp_alerts: [] },
          {
            alertname: "DatabaseCorrupt",
            eval_time: `${onset}s`,
            exp_alerts: [
              {
                exp_labels: { target: "frontend", severity: "critical", action: "read-only" },
                exp_annotations: {
                  summary: "frontend: 1 pages of the database failed their checksum",
                  runbook: "docs/alert-database.md",
                },
              },
            ],
          },
        ],
      });
    });

    it("wake somebody when what was written waits for its archive for more than five minutes", async () => {
      const waiting = (seconds: number): Series =>
        ofDatabase("archive_waiting_seconds", until, (second) => (second < onset ? 0 : seconds));
      await check([waiting(270)], ever("DatabaseArchiveBehind", until, false));
      await check([waiting(300)], ever("DatabaseArchiveBehind", until, false));
      await check([waiting(330)], now("DatabaseArchiveBehind", onset, true));
    });

    it("warn when the newest backup is older than 26 hours", async () => {
      const end = onset + 6 * minute;
      // Time begins at 0 here.
      const finished = (at: number): Series => ofDatabase("backup_finished_seconds", end, () => at);
      await check([finished(onset - 26 * hour)], now("DatabaseBackupOld", onset, false));
      await check([finished(onset - 26 * hour)], now("DatabaseBackupOld", end, true));
      await check([finished(end - 26 * hour)], ever("DatabaseBackupOld", end, false));
    });

    it("say nothing of what nobody measures, and are absent without a database", async () => {
      const names = alertsOf(monitored()).filter((name) => name.startsWith("Database"));
      assert.equal(names.length, 5);
      await check([], ...names.map((alert) => ever(alert, until, false)));
      const without = alertsOf(monitored({ database: false }));
      assert.ok(without.includes("ErrorRateTooHigh"));
      assert.deepEqual(
        without.filter((alert) => names.includes(alert)),
        [],
      );
    });

    it("last as long as the plan's other durations, at a test's scale too", () => {
      const scaled = ruleFile(monitored({ timing: timingOf(0.1) }));
      assert.match(scaled, /database_archive_waiting_seconds:max\{target="frontend"\} > 30$/m);
    });
  });

  describe("of users' reports", () => {
    const until = onset + 15 * minute;
    const many = "UserReportsTooMany";
    const at = (...seconds: number[]) => {
      return (second: number): number => seconds.filter((each) => each === second).length;
    };

    for (const percent of [90, 100, 110]) {
      const counts = percent < 100;
      it(`count four that came within ${percent} % of ten minutes as ${counts ? "four" : "fewer"}`, async () => {
        const last = onset + (10 * minute * percent) / 100;
        const scraped = [reports(until, at(onset, onset + 5, onset + 10, last))];
        await check(scraped, counts ? now(many, last, true) : ever(many, until, false));
      });
    }

    it("count three as three, however few samples there are to extrapolate from", async () => {
      for (const first of [5, 15, 300]) {
        const anew = (second: number): number | "_" => (second < onset ? "_" : at(onset + first)(second) * 3);
        await check([reports(until, anew)], ever(many, until, false), ever("UserReported", until, true));
        const four = (second: number): number | "_" => (second < onset ? "_" : at(onset + first)(second) * 4);
        await check([reports(until, four)], now(many, onset + first, true));
      }
    });

    it("add up what two guards have counted", async () => {
      const scraped = [
        reports(until, at(onset, onset + 60)),
        reports(until, at(onset + 30, onset + 90), { instance: "guard-1" }),
      ];
      await check(scraped, now(many, onset + 85, false), now(many, onset + 90, true));
    });

    it("go on counting when a guard begins again", async () => {
      const resetAt = onset + minute;
      const three = reports(until, at(onset, onset + 5, onset + 2 * minute), { resetAt });
      await check([three], ever(many, until, false));
      const four = reports(until, at(onset, onset + 5, resetAt, onset + 2 * minute), { resetAt });
      await check([four], now(many, onset + 2 * minute, true));
    });

    it("take a counter that was there before Prometheus was for no report", async () => {
      const old = gauge(
        'pyairtable_user_reports_total{target="frontend", instance="guard-0"}',
        until,
        () => 50,
      );
      await check([old], ever("UserReported", until, false));
    });
  });

  describe("of resources", () => {
    const until = onset + 8 * minute;
    const pod = 'namespace="pyairtable", pod="frontend-blue-7d9-x", container="service"';
    const memory = (bytes: number): Series =>
      gauge(`container_memory_working_set_bytes{${pod}}`, until, () => bytes);
    const cpu = (cores: number): Series =>
      counter(`container_cpu_usage_seconds_total{${pod}}`, until, () => cores * 5);

    it("warn above 80 % of a limit that the catalog sets", async () => {
      const { limits } = catalogEntry("frontend").resources;
      assert.deepEqual(limits, { cpu: "500m", memory: "256Mi" });
      const limit = 256 * 2 ** 20;
      await check([memory(limit * 0.81), cpu(0.1)], now("ResourcesNearLimit", until, true));
      await check([memory(limit * 0.1), cpu(0.41)], now("ResourcesNearLimit", until, true));
      await check([memory(limit * 0.79), cpu(0.39)], ever("ResourcesNearLimit", until, false));
    });
  });

  describe("of traffic", () => {
    const until = hour + 15 * minute;
    const changed = until - 7 * minute;
    const withRate = (after: number): Series[] =>
      envoy("legacy", until, (second) => ({ ...good, count: second < changed ? 100 : after }));

    it("warn when it is less than half, or more than twice, that of the hour before", async () => {
      for (const [after, fires] of [
        [190, false],
        [250, true],
        [60, false],
        [40, true],
      ] as const) {
        await check(withRate(after), now("TrafficUnusual", until, fires));
      }
    });

    it("take it for one whichever backend answers", async () => {
      const moved = [
        ...envoy("legacy", until, (second) => ({ ...good, count: second < changed ? 100 : 5 })),
        ...envoy("blue", until, (second) => ({ ...good, count: second < changed ? 0 : 95 })),
      ];
      await check(moved, ever("TrafficUnusual", until, false));
    });

    it("say nothing before there is an hour to compare with, or of a target that nobody uses", async () => {
      const young = envoy("legacy", hour / 2, (second) => ({ ...good, count: second < 900 ? 100 : 500 }));
      await check(young, ever("TrafficUnusual", hour / 2, false));
      const unused = envoy("legacy", until, (second) => ({ ...good, count: second % 300 === 0 ? 1 : 0 }));
      await check(unused, ever("TrafficUnusual", until, false));
    });
  });

  describe("of progress", () => {
    const since = (second: number) => ({ since: new Date(second * 1_000) });
    const blue = recordOf({ legacy: 0, blue: 100, green: 0 });

    it("tell for ten minutes that a split has changed", async () => {
      const file = ruleFile(monitored({ record: { ...blue, ...since(0) } }));
      const expected = [now("TrafficMoved", 9 * minute, true), now("TrafficMoved", 10 * minute, false)];
      await testRules(promtool, file, [], expected);
    });

    it("tell for ten minutes that a release is new", async () => {
      const expected = [now("Deployed", 10 * minute - 5, true), now("Deployed", 10 * minute, false)];
      await testRules(promtool, rules, [], expected);
    });

    it("tell that the soak is over, while legacy is there to be retired", async () => {
      const soaking = { record: { ...blue, ...since(0) }, soakHours: 1 };
      const expected = [now("SoakOver", hour - 5, false), now("SoakOver", hour, true)];
      await testRules(promtool, ruleFile(monitored(soaking)), [], expected);
      const retired = { record: { ...blue, ...since(0), legacy: "retired" as const }, soakHours: 1 };
      await testRules(promtool, ruleFile(monitored(retired)), [], [ever("SoakOver", hour, false)]);
    });
  });

  it("of a target's own warn above what the config says", async () => {
    const indicators = [{ name: "LoginsFailing", expr: "sum(rate(logins_failed_total[1m]))", above: 0.5 }];
    const file = ruleFile(monitored({ indicators }));
    const failing = (each: number): Series => counter("logins_failed_total", onset, () => each);
    await testRules(promtool, file, [failing(3)], [now("LoginsFailing", onset, true)]);
    await testRules(promtool, file, [failing(2)], [ever("LoginsFailing", onset, false)]);
  });
});
