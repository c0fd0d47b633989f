import { ruleFile } from "../../../monitoring/rules";
import { type Alert, TRIGGERS } from "../../../monitoring/table";
import { baselineMs, monitored, onLegacy } from "./monitored";
import { type Expected, promtoolOrSkip, testRules } from "./promtool";
import {
  type Missing,
  type Requests,
  type Series,
  connections,
  envoy,
  noRequests,
  probes,
  reports,
} from "./scrapes";

/*
 * Every trigger of the table, evaluated by Prometheus' own engine. What a trigger measures is given as a level of the
 * blue release: 1 is exactly the threshold.
 */

/** When something begins to be seen. */
const onset = 120;
const perScrape = 100;
const minute = 60;

interface Scraped {
  readonly until: number;
  /** The level, or what a scrape brought instead; "idle" is no request at all. */
  readonly level: (second: number) => number | "idle" | Missing;
  /** When the counters began again from 0. */
  readonly resetAt?: number;
}

/** How a level looks to Prometheus. */
function scrapes(trigger: Alert, { until, level, resetAt }: Scraped): Series[] {
  const threshold = trigger.condition.kind === "above" ? trigger.condition.threshold : 1;
  const requests = (of: (level: number) => Partial<Requests>): Series[] => {
    const at = (second: number): Requests | Missing => {
      const found = level(second);
      if (found === "idle") return noRequests;
      if (typeof found === "string") return found;
      return { count: perScrape, failed: 0, milliseconds: baselineMs, ...of(found) };
    };
    return envoy("blue", until, at, resetAt);
  };
  switch (trigger.measure) {
    case "errors":
      return requests((found) => ({ failed: Math.round(found * threshold * perScrape) }));
    case "latency":
      return requests((found) => ({ milliseconds: found * threshold * baselineMs }));
    case "health":
      return [probes("blue", until, passing(level))];
    case "database":
      return [connections("blue", until, passing(level))];
    case "userReports":
      // All of them in one scrape.
      return [
        reports(
          until,
          (second) => {
            const found = level(second);
            if (found === "idle" || (typeof found === "number" && second !== onset)) return 0;
            if (typeof found === "string") return found;
            return found > 1 ? Math.ceil(found * threshold) : Math.floor(found * threshold);
          },
          resetAt === undefined ? {} : { resetAt },
        ),
      ];
    default:
      throw new Error(`nothing is known of how ${trigger.measure} is scraped`);
  }
}

/** What passes or fails: below its threshold, one in ten passes. */
const passing =
  (level: Scraped["level"]) =>
  (second: number): number | Missing => {
    const found = level(second);
    if (found === "idle") return 1;
    if (typeof found === "string") return found;
    return found >= 1 || second % 50 !== 0 ? 0 : 1;
  };

const lasting = (level: number) => (second: number) => (second < onset ? "idle" : level);

describe("triggers, as Prometheus evaluates them", function () {
  this.timeout(60_000);
  let promtool: string;
  before(function () {
    promtool = promtoolOrSkip(this);
  });

  const rules = ruleFile(monitored());

  for (const trigger of TRIGGERS) {
    const { name: alert, forMs, overMs, condition } = trigger;
    const held = forMs / 1_000;
    const settled = onset + held + 2 * Math.max(minute, (overMs ?? 0) / 1_000);

    const check = (scraped: Scraped, ...expected: Omit<Expected, "alert">[]): Promise<void> =>
      testRules(
        promtool,
        rules,
        scrapes(trigger, scraped),
        expected.map((each) => ({ alert, ...each })),
      );
    const never = (scraped: Scraped): Promise<void> =>
      check(scraped, { second: scraped.until, when: "ever", fires: false });

    describe(alert, () => {
      for (const percent of [90, 100, 110]) {
        // A probe fails or it doesn't: at its threshold it does.
        const isOver = condition.kind === "failing" ? percent >= 100 : percent > 100;
        it(`at ${percent} % of its threshold ${isOver ? "fires" : "doesn't fire"}`, async () => {
          const scraped = { until: settled, level: lasting(percent / 100) };
          if (!isOver) await never(scraped);
          else await check(scraped, { second: onset + held, when: "now", fires: true });
        });
      }

      for (const percent of held > 0 ? [90, 100, 110] : []) {
        it(`after ${percent} % of its duration ${percent < 100 ? "doesn't fire" : "fires"}`, async () => {
          const second = onset + (held * percent) / 100;
          await check(
            { until: settled, level: lasting(1.1) },
            { second, when: percent < 100 ? "ever" : "now", fires: percent >= 100 },
          );
        });
      }

      it("is over when what it measures is", async () => {
        const end = onset + held + 10;
        // A probe that passes is as good as it gets.
        const good = condition.kind === "failing" ? "idle" : 0.5;
        const level: Scraped["level"] = (second) => (second > end ? good : lasting(1.1)(second));
        await check(
          { until: settled, level },
          { second: onset + held, when: "now", fires: true },
          { second: settled, when: "now", fires: false },
        );
      });

      it("doesn't fire for a release that has no traffic", async () => {
        const scraped = { until: settled, level: lasting(1.1) };
        const withoutRequests = scrapes(trigger, scraped).filter(({ series }) => !series.startsWith("envoy"));
        const file = ruleFile(monitored({ record: onLegacy() }));
        const idle = envoy("blue", settled, () => noRequests);
        const expected: Expected = { alert, second: settled, when: "ever", fires: false };
        await testRules(promtool, file, [...withoutRequests, ...idle], [expected]);
      });

      it("doesn't fire on NaN", async () => {
        await never({ until: settled, level: (second) => (second < onset ? "idle" : "NaN") });
      });

      it("doesn't fire on what was never scraped", async () => {
        await testRules(promtool, rules, [], [{ alert, second: settled, when: "ever", fires: false }]);
      });

      it("takes a counter that begins again for neither more nor less than it is", async () => {
        const resetAt = onset + minute;
        await never({ until: settled, level: lasting(0.9), resetAt });
        const second = Math.max(onset + held, resetAt + 10);
        await check({ until: settled, level: lasting(1.1), resetAt }, { second, when: "now", fires: true });
      });

      it("isn't kept alive by scrapes that no longer come", async () => {
        const last = onset + Math.max(0, held - 10);
        const level: Scraped["level"] = (second) => (second > last ? "stale" : lasting(1.1)(second));
        await check({ until: settled, level }, { second: settled, when: "now", fires: false });
        if (held >= minute) await never({ until: settled, level });
      });

      it("outlives a gap, as after a restart of Prometheus, and isn't made by one", async () => {
        const gapEnd = onset + 2 * minute;
        const gapped = (level: number) => (second: number) =>
          second >= onset + 5 && second < gapEnd ? "_" : lasting(level)(second);
        // What lasts less than the gap is seen anew after it.
        const second = Math.max(onset + held, gapEnd + Math.max(10, Math.min(held, minute)));
        await check({ until: settled, level: gapped(1.1) }, { second, when: "now", fires: true });
        await never({ until: settled, level: gapped(0.9) });
      });
    });
  }
});
