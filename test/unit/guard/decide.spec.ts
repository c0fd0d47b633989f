import assert from "node:assert/strict";
import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import type { Alert } from "../../../guard/alert";
import { type Decision, type Situation, decide } from "../../../guard/decide";
import {
  ALL_LEGACY,
  BACKENDS,
  type Backend,
  type RouteRecord,
  allOn,
  formatSplit,
  holder,
} from "../../../migration";
import { now, releasing, routeOf, situation, splitOf, trigger } from "./situations";

function one(alert: Alert, facts: Situation): Decision {
  const [decision] = decide([alert], facts).decisions;
  assert.ok(decision);
  return decision;
}

function said(decision: Decision): string {
  if (decision.kind === "rollback") return `rollback to ${decision.ways.map(formatSplit).join(" or ")}`;
  return decision.kind === "read-only" ? decision.kind : `${decision.kind}: ${decision.why}`;
}

describe("what the guard decides", () => {
  const onBlue = situation([["frontend", routeOf("blue 100")]]);

  const cases: readonly (readonly [about: string, alert: Alert, facts: Situation, expected: RegExp])[] = [
    ["a trigger of who has all traffic", trigger("frontend", "blue"), onBlue, /^rollback to legacy 100$/],
    [
      "a trigger of who has a little",
      trigger("frontend", "blue"),
      situation([["frontend", routeOf("legacy 99 / blue 1")]]),
      /^rollback to legacy 100$/,
    ],
    [
      "a trigger of a release",
      trigger("frontend", "green"),
      situation([["frontend", releasing("blue 50 / green 50")]]),
      /^rollback to blue 100$/,
    ],
    [
      "a trigger of who has nothing",
      trigger("frontend", "green"),
      onBlue,
      /^ignore: green carries no traffic/,
    ],
    ["what users report, of who gained last", trigger("frontend"), onBlue, /^rollback to legacy 100$/],
    [
      "what users report once all is back",
      trigger("frontend"),
      situation([["frontend", routeOf("legacy 100", { previous: allOn("blue") })]]),
      /^ignore: its traffic is back already/,
    ],
    [
      "an alert without action",
      trigger("frontend", "blue", { isTrigger: false }),
      onBlue,
      /^ignore: it is no trigger/,
    ],
    ["what is resolved", trigger("frontend", "blue", { isFiring: false }), onBlue, /^ignore: it is resolved/],
    [
      "a target that is no routed one",
      { name: "X", isTrigger: true, isFiring: true, startsAt: now },
      onBlue,
      /^ignore: it names no target/,
    ],
    [
      "what Prometheus denies",
      trigger("frontend", "blue"),
      { ...onBlue, firing: [trigger("frontend", "green")] },
      /^ignore: Prometheus says/,
    ],
    [
      "what Prometheus confirms, though it was rolled back before",
      trigger("frontend", "blue"),
      { ...onBlue, firing: [trigger("frontend", "blue")], handled: new Set(["to blue 100"]) },
      /^rollback/,
    ],
    [
      "what was rolled back before, when Prometheus is away",
      trigger("frontend", "blue"),
      { ...onBlue, handled: new Set(["to blue 100"]) },
      /^ignore: this transition was rolled back already/,
    ],
    [
      "what is under way",
      trigger("frontend", "blue"),
      { ...onBlue, underWay: new Set(["frontend"]) },
      /^ignore: a rollback of this target is under way/,
    ],
    [
      "a target without a standby",
      trigger("frontend", "blue"),
      situation([["frontend", routeOf("blue 100", { legacy: "retired" })]]),
      /^shout: there is no standby that could take blue 100/,
    ],
    [
      "a target past a contract step, whose only way back is a human's",
      trigger("frontend", "blue"),
      situation([
        ["frontend", routeOf("blue 100", { legacy: "retired", contracted: "frontend-postgresql" })],
      ]),
      /^shout: there is no standby that could take blue 100: its schema is past a contract step, from which the way back is a restore that a human confirms: docs\/restore\.md$/,
    ],
    [
      "a release after a contract step, which the one before it has lived with",
      trigger("frontend", "green"),
      situation([["frontend", releasing("blue 50 / green 50", { contracted: "frontend-postgresql" })]]),
      /^rollback to blue 100$/,
    ],
    [
      "legacy that fails itself while it shares",
      trigger("frontend", "legacy"),
      situation([["frontend", routeOf("legacy 50 / blue 50")]]),
      /^shout: where it would go back to \(legacy 100\) fails itself/,
    ],
    [
      "a colour that fails while the standby fails too",
      trigger("frontend", "blue"),
      { ...onBlue, firing: [trigger("frontend", "blue"), trigger("frontend", "legacy")] },
      /^shout: where it would go back to \(legacy 100\) fails itself/,
    ],
    [
      "a route that was changed by hand",
      trigger("frontend", "blue"),
      situation([["frontend", { tampered: "by hand" }]]),
      /^rollback to legacy 100$/,
    ],
  ];
  for (const [about, alert, facts, expected] of cases) {
    it(about, () => assert.match(said(one(alert, facts)), expected));
  }

  describe("when connections to a database fail", () => {
    const failing = (backend: "blue" | "green"): Alert =>
      trigger("frontend", backend, { name: "DatabaseConnectionsFailing" });
    const failed = (backend: "legacy" | "blue"): Alert =>
      trigger("frontend", backend, { name: "DatabaseConnectionFailed", isTrigger: false });
    const green = situation([["frontend", releasing("green 100", { legacy: "standby" })]]);

    it("rolls back towards a backend that gets them", () => {
      const firing = [failing("blue"), failed("blue")];
      assert.equal(said(one(failing("blue"), { ...onBlue, firing })), "rollback to legacy 100");
    });

    it("passes over a standby that gets none either", () => {
      const firing = [failing("green"), failed("blue")];
      assert.equal(said(one(failing("green"), { ...green, firing })), "rollback to legacy 100");
    });

    it("moves nothing where no backend gets them, and says so", () => {
      for (const facts of [
        { ...onBlue, firing: [failing("blue"), failed("blue"), failed("legacy")] },
        { ...green, firing: [failing("green"), failed("blue"), failed("legacy")] },
      ]) {
        const [alert] = facts.firing;
        assert.ok(alert);
        assert.match(said(one(alert, facts)), /^shout: its database refuses where it would go back to/);
      }
    });

    it("knows that from the alerts themselves when Prometheus can't be asked", () => {
      const [decision] = decide([failing("blue"), failed("legacy")], onBlue).decisions;
      assert.ok(decision);
      assert.match(said(decision), /^shout: its database refuses/);
    });

    it("doubts such a standby for other triggers, which may have another cause", () => {
      const alert = trigger("frontend", "blue");
      const decision = one(alert, { ...onBlue, firing: [alert, failed("legacy")] });
      assert.ok(decision.kind === "rollback");
      assert.deepEqual(decision.doubted, new Set(["legacy"]));
    });
  });

  describe("when what fails may have failed everywhere", () => {
    const both = [
      ["DatabaseConnectionsFailing", "DatabaseConnectionFailed", /^shout: its database refuses/],
      ["HealthCheckFailing", "HealthCheckFailed", /^shout: health checks fail where it would go back to/],
    ] as const;
    for (const [name, ofEach, shout] of both) {
      const failing = trigger("frontend", "blue", { name });
      const failed = (backend: Backend): Alert =>
        trigger("frontend", backend, { name: ofEach, isTrigger: false });

      it(`moves nothing while it has failed where traffic would go back to: ${name}`, () => {
        const firing = [failing, failed("blue"), failed("legacy")];
        assert.match(said(one(failing, { ...onBlue, firing })), shout);
      });

      it(`nor when that is over there only just, as the others may be seen to be well a little later: ${name}`, () => {
        const lately: Situation["lately"] = (alert) => new Set(alert === ofEach ? ["legacy", "blue"] : []);
        assert.match(said(one(failing, { ...onBlue, firing: [failing, failed("blue")], lately })), shout);
      });

      it(`moves what alone has failed: ${name}`, () => {
        const lately: Situation["lately"] = (alert) => new Set(alert === ofEach ? ["blue"] : ["legacy"]);
        const firing = [failing, failed("blue")];
        assert.equal(said(one(failing, { ...onBlue, firing, lately })), "rollback to legacy 100");
      });
    }
  });

  describe("when data is in danger", () => {
    const onBlueToo = situation([["automation", routeOf("blue 100")]]);
    const corrupt = trigger("automation", undefined, {
      name: "DatabaseCorrupt",
      isTrigger: false,
      protects: true,
    });
    const withMode = (mode: "read-write" | "read-only"): Situation => ({
      ...onBlueToo,
      wanted: (target) => ({ ...onBlueToo.wanted(target), database: { mode } }),
    });
    const writable = withMode("read-write");

    it("makes the target read-only, and moves no traffic", () => {
      // In the cluster it isn't told of databases.
      assert.equal(said(one(corrupt, onBlueToo)), "read-only");
      assert.equal(said(one(corrupt, writable)), "read-only");
      assert.equal(said(one(corrupt, { ...writable, firing: [corrupt] })), "read-only");
    });

    it("does so whatever else is done for the target", () => {
      const { decisions } = decide([trigger("automation", "blue"), corrupt], writable);
      assert.deepEqual(decisions.map(said), ["rollback to legacy 100", "read-only"]);
      assert.equal(said(one(corrupt, { ...writable, underWay: new Set(["automation"]) })), "read-only");
    });

    it("does it once, and contradicts nobody who has let it write again meanwhile", () => {
      assert.match(said(one(corrupt, withMode("read-only"))), /^ignore: it is read-only already/);
      const acted = { ...writable, protected: new Set(["automation"] as const) };
      assert.match(said(one(corrupt, acted)), /^ignore: it was acted on already/);
    });

    it("never ends it", () => {
      for (const facts of [writable, withMode("read-only")]) {
        assert.match(said(one({ ...corrupt, isFiring: false }, facts)), /^ignore: it is resolved/);
      }
    });

    it("does nothing that Prometheus denies, or to a target without a database", () => {
      assert.match(said(one(corrupt, { ...writable, firing: [] })), /^ignore: Prometheus says/);
      assert.match(said(one({ ...corrupt, target: "frontend" }, writable)), /^ignore: it keeps no data/);
    });
  });

  it("doubts a backend whose health check fails, and leads there only if it is seen to serve", () => {
    const failed = trigger("frontend", "legacy", { name: "HealthCheckFailed", isTrigger: false });
    const others = trigger("docs", "legacy", { name: "HealthCheckFailed", isTrigger: false });
    const alert = trigger("frontend", "blue");
    const decision = one(alert, { ...onBlue, firing: [alert, failed, others] });
    assert.ok(decision.kind === "rollback");
    assert.deepEqual([decision.doubted, decision.avoid], [new Set(["legacy"]), new Set(["blue"])]);
  });

  it("rolls a target back once, however many alerts ask for it", () => {
    const alerts = [trigger("frontend", "blue"), trigger("frontend", "blue", { name: "Other" })];
    const { decisions } = decide(alerts, onBlue);
    assert.deepEqual(
      decisions.map(({ kind }) => kind),
      ["rollback", "ignore"],
    );
  });

  it("takes what fails together within the window for one incident of level 2", () => {
    const facts = situation([
      ["frontend", routeOf("blue 100")],
      ["docs", routeOf("blue 100")],
    ]);
    const ago = (ms: number): Date => new Date(now.getTime() - ms);
    const both = decide([trigger("frontend", "blue"), trigger("docs", "blue")], facts);
    assert.deepEqual([both.level, both.together], [2, ["frontend", "docs"]]);
    const later = decide([trigger("docs", "blue")], {
      ...facts,
      recent: new Map([["frontend", ago(300_000)]]),
    });
    assert.deepEqual([later.level, later.together], [2, ["frontend", "docs"]]);
    const tooLate = decide([trigger("docs", "blue")], {
      ...facts,
      recent: new Map([["frontend", ago(300_001)]]),
    });
    assert.deepEqual([tooLate.level, tooLate.together], [1, ["docs"]]);
  });

  it("asks a human for level 3 when half of the targets fail", () => {
    const facts = situation(routedTargets.map((target) => [target, routeOf("blue 100")] as const));
    const asks = (count: number): boolean =>
      decide(
        routedTargets.slice(0, count).map((target) => trigger(target, "blue")),
        facts,
      ).asksForLevel3;
    assert.deepEqual([asks(3), asks(4), asks(8)], [false, true, true]);
  });

  const records: fc.Arbitrary<RouteRecord> = fc
    .record({
      weights: fc.constantFrom(
        ...[
          "legacy 100",
          "legacy 90 / blue 10",
          "legacy 50 / blue 50",
          "blue 100",
          "blue 50 / green 50",
          "green 100",
        ],
      ),
      previous: fc.constantFrom("legacy 100", "blue 100", "green 100", "legacy 50 / blue 50"),
      heldFull: fc.constantFrom(...BACKENDS),
      legacy: fc.constantFrom("standby" as const, "retired" as const),
    })
    .map(({ weights, previous, heldFull, legacy }) =>
      routeOf(weights, {
        previous: splitOf(previous),
        heldFull,
        legacy,
        images: { blue: "registry/app:1", green: "registry/app:2" },
      }),
    );
  const alerts = fc.array(
    fc
      .record({
        target: fc.constantFrom(...routedTargets),
        backend: fc.option(fc.constantFrom(...BACKENDS), { nil: undefined }),
        isTrigger: fc.boolean(),
        isFiring: fc.boolean(),
      })
      .map(({ target, backend, ...rest }) => trigger(target, backend, rest)),
    { maxLength: 12 },
  );
  const facts = fc
    .record({
      routes: fc.array(fc.tuple(fc.constantFrom(...routedTargets), records), { maxLength: 8 }),
      underWay: fc.uniqueArray(fc.constantFrom(...routedTargets)),
      firing: fc.option(alerts, { nil: undefined }),
    })
    .map(({ routes, underWay, firing }) => situation(routes, { underWay: new Set(underWay), firing }));

  it("never rolls back what is healthy, twice, towards what fails, or without a trigger", () => {
    fc.assert(
      fc.property(alerts, facts, (given, known) => {
        const begun = new Set(known.underWay);
        for (const each of decide(given, known).decisions) {
          if (each.kind !== "rollback") continue;
          assert.ok(each.alert.isTrigger && each.alert.isFiring);
          assert.ok(!begun.has(each.target), "twice");
          begun.add(each.target);
          const failing = given.filter((a) => a.target === each.target && a.isTrigger && a.isFiring);
          const record = known.live.get(each.target);
          const { backend } = each.alert;
          if (record !== undefined && "split" in record && backend !== undefined) {
            assert.ok(record.split[backend] > 0, "a backend without traffic");
          }
          for (const way of each.ways) {
            assert.ok(
              !failing.some((a) => a.backend !== undefined && a.backend === holder(way)),
              "towards what fails",
            );
          }
        }
      }),
    );
  });

  it("never misses a trigger of who has traffic while a healthy standby is there", () => {
    fc.assert(
      fc.property(alerts, (others) => {
        const alert = trigger("frontend", "blue");
        const rest = others.filter(({ target }) => target !== "frontend");
        const { decisions } = decide(
          [...rest, alert],
          situation([["frontend", routeOf("legacy 90 / blue 10")]]),
        );
        const last = decisions.at(-1);
        assert.ok(last?.kind === "rollback");
        assert.deepEqual(last.ways, [ALL_LEGACY]);
      }),
    );
  });
});
