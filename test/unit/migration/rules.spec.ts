import assert from "node:assert/strict";
import { ALL_LEGACY, bringsBack, formatViolations, judge, nextRecord, setAside } from "../../../migration";
import type { JudgeInput, LiveRoute, RouteRecord, Split, WantedTarget } from "../../../migration";
import type { RoutedTargetName } from "../../../catalog";
import { calm, hoursLater, judgeInput, start } from "./arbitraries";

const part: Split = { legacy: 90, blue: 10, green: 0 };
const half: Split = { legacy: 50, blue: 50, green: 0 };
const blue: Split = { legacy: 0, blue: 100, green: 0 };
const green: Split = { legacy: 0, blue: 0, green: 100 };
const release: Split = { legacy: 0, blue: 90, green: 10 };
const retired = { legacy: "retired" } as const;

/** A live route after a history of updates at `start`. */
function history(target: RoutedTargetName, ...updates: [WantedTarget, ...WantedTarget[]]): RouteRecord {
  const [first, ...rest] = updates;
  return rest.reduce(
    (live, wanted) => nextRecord(target, live, wanted, start),
    nextRecord(target, undefined, first, start),
  );
}

const onLegacy = (target: RoutedTargetName) => history(target, calm(ALL_LEGACY));
const at = (target: RoutedTargetName, split: Split) => history(target, calm(ALL_LEGACY), calm(split));
const extracted = (split: Split) => history("frontend", calm(ALL_LEGACY), calm(split), calm(split, retired));

interface Case {
  readonly live?: Partial<Record<RoutedTargetName, LiveRoute>>;
  readonly applied?: Partial<Record<RoutedTargetName, Split>>;
  readonly wanted: Partial<Record<RoutedTargetName, WantedTarget>>;
  /** Hours after `start`. */
  readonly hours?: number;
}

function entries<T>(byTarget: Partial<Record<RoutedTargetName, T>>): Map<RoutedTargetName, T> {
  const names: RoutedTargetName[] = ["frontend", "api-gateway", "auth-service"];
  return new Map(
    names.flatMap((name) => {
      const value = byTarget[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function input({ live = {}, applied = {}, wanted, hours = 1 }: Case): JudgeInput {
  return judgeInput({
    live: entries(live),
    applied: entries(applied),
    wanted: entries(wanted),
    now: hoursLater(hours),
  });
}

/** The refusals as `rule key`. */
function refusals(situation: Case): string[] {
  return judge(input(situation)).map(({ rule, key }) => `${rule} ${key}`);
}

describe("rule one-in-flight", () => {
  const both = { frontend: onLegacy("frontend"), "auth-service": onLegacy("auth-service") };

  it("names both targets that set out at once", () => {
    assert.deepEqual(refusals({ live: both, wanted: { frontend: calm(part), "auth-service": calm(part) } }), [
      "one-in-flight pyairtable:frontend.traffic",
      "one-in-flight pyairtable:auth-service.traffic",
    ]);
  });

  it("allows one", () => {
    assert.deepEqual(
      refusals({ live: both, wanted: { frontend: calm(part), "auth-service": calm(ALL_LEGACY) } }),
      [],
    );
  });

  it("refuses only the one that sets out, while another is on its way", () => {
    const live = { frontend: at("frontend", part), "auth-service": onLegacy("auth-service") };
    const violations = judge(input({ live, wanted: { frontend: calm(half), "auth-service": calm(part) } }));
    assert.deepEqual(violations, [
      {
        target: "auth-service",
        rule: "one-in-flight",
        key: "pyairtable:auth-service.traffic",
        found: "legacy 90 / blue 10 while frontend is splitting",
        expected: "one target in flight at a time",
        fix: "leave auth-service as it is until frontend is soaked or back on legacy",
      },
    ]);
  });

  it("says from when on, where only the end of a soak is missing", () => {
    const live = { frontend: at("frontend", blue), "auth-service": onLegacy("auth-service") };
    const wanted = { frontend: calm(blue), "auth-service": calm(part) };
    assert.deepEqual(
      judge(input({ live, wanted })).map(({ notBefore }) => notBefore),
      [hoursLater(24)],
    );
    assert.deepEqual(refusals({ live, wanted, hours: 24 }), []);
  });

  it("refuses a second even where no soak is asked for", () => {
    const now = judge({
      ...input({ live: both, wanted: { frontend: calm(blue), "auth-service": calm(blue) } }),
      soakHours: 0,
    });
    assert.deepEqual(
      now.map(({ target }) => target),
      ["frontend", "auth-service"],
    );
  });

  it("allows a second in the update that takes the first back to legacy", () => {
    const live = { frontend: at("frontend", part), "auth-service": onLegacy("auth-service") };
    assert.deepEqual(
      refusals({ live, wanted: { frontend: calm(ALL_LEGACY), "auth-service": calm(part) } }),
      [],
    );
  });

  it("refuses to go forward while two are on their way, as half-way back they may be", () => {
    const live = { frontend: at("frontend", part), "auth-service": at("auth-service", half) };
    const wanted = { frontend: calm(half), "auth-service": calm(half) };
    assert.deepEqual(refusals({ live, wanted }), ["one-in-flight pyairtable:frontend.traffic"]);
  });

  it("counts a change of color before legacy is retired as forward, in both directions", () => {
    const live = {
      frontend: history("frontend", calm(green), calm(blue)),
      "auth-service": at("auth-service", part),
    };
    assert.deepEqual(
      refusals({ live, wanted: { frontend: calm(green), "auth-service": calm(part) }, hours: 48 }),
      ["one-in-flight pyairtable:frontend.traffic"],
    );
  });

  it("leaves releases of extracted targets out of account", () => {
    const live = { frontend: extracted(blue), "auth-service": at("auth-service", part) };
    const wanted = { frontend: calm(release, retired), "auth-service": calm(half) };
    assert.deepEqual(refusals({ live, wanted, hours: 48 }), []);
  });

  it("doesn't ask a target that stays where it is", () => {
    const live = { frontend: at("frontend", part), "auth-service": at("auth-service", part) };
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(part), "auth-service": calm(part) } }), []);
  });
});

describe("rule standby-while-soaking", () => {
  const released = history("frontend", calm(ALL_LEGACY), calm(blue, retired), calm(green, retired));

  for (const [what, images, key] of [
    ["changes", { blue: "blue:2", green: "green:1" }, "blue"],
    ["vanishes", { green: "green:1" }, "blue"],
  ] as const) {
    it(`refuses a standby that ${what} during the soak of a release`, () => {
      const situation = {
        live: { frontend: released },
        wanted: { frontend: calm(green, { ...retired, images }) },
      };
      assert.deepEqual(refusals(situation), [`standby-while-soaking pyairtable:frontend.${key}`]);
      assert.deepEqual(judge(input(situation))[0]?.notBefore, hoursLater(24));
      assert.deepEqual(refusals({ ...situation, hours: 24 }), []);
    });

    it(`refuses a standby that ${what} in the update that makes it one`, () => {
      const wanted = { frontend: calm(green, { ...retired, images }) };
      const found = refusals({ live: { frontend: extracted(blue) }, wanted, hours: 48 });
      assert.deepEqual(
        found.map((text) => text.split(" ")[1]),
        [`pyairtable:frontend.${key}`],
      );
    });
  }

  it("refuses to lose the standby in the update that makes it one even where no soak is asked for", () => {
    const wanted = { frontend: calm(green, { ...retired, images: { green: "green:1" } }) };
    const found = judge({ ...input({ live: { frontend: extracted(blue) }, wanted }), soakHours: 0 });
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["standby-while-soaking"],
    );
  });

  it("protects a color that is the standby before legacy is retired", () => {
    const live = { frontend: history("frontend", calm(blue), calm(green)) };
    const images = { blue: "blue:2", green: "green:1" };
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(green, { images }) } }), [
      "standby-while-soaking pyairtable:frontend.blue",
    ]);
  });

  it("lets the color that is nobody's standby change", () => {
    const images = { blue: "blue:1", green: "green:2" };
    const live = { frontend: at("frontend", blue) };
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(blue, { images }) } }), []);
  });
});

describe("rule retired-only-when-soaked", () => {
  const live = { frontend: at("frontend", blue) };
  const wanted = { frontend: calm(blue, retired) };

  it("refuses before the soak has ended, and says from when on", () => {
    const [violation, ...others] = judge(input({ live, wanted }));
    assert.deepEqual(others, []);
    assert.equal(violation?.rule, "retired-only-when-soaked");
    assert.equal(violation.found, "retired while frontend is soaking");
    assert.deepEqual(violation.notBefore, hoursLater(24));
  });

  it("allows it from the end of the soak on", () => {
    assert.deepEqual(refusals({ live, wanted, hours: 24 }), []);
  });

  it("refuses it in the update that gives a color everything", () => {
    assert.deepEqual(refusals({ live: { frontend: onLegacy("frontend") }, wanted, hours: 48 }), [
      "retired-only-when-soaked pyairtable:frontend.legacy",
    ]);
  });

  it("lets legacy come back at any time", () => {
    assert.deepEqual(refusals({ live: { frontend: extracted(blue) }, wanted: { frontend: calm(blue) } }), []);
  });
});

describe("rule no-edit-under-traffic", () => {
  const images = { blue: "blue:2", green: "green:1" };

  for (const [what, to] of [
    ["keeps its traffic", part],
    ["gains traffic", half],
    ["loses it to the other color", { legacy: 90, blue: 0, green: 10 }],
  ] as const) {
    it(`refuses a new image for a color that ${what}`, () => {
      const situation = {
        live: { frontend: at("frontend", part) },
        wanted: { frontend: calm(to, { images }) },
      };
      assert.deepEqual(refusals(situation), ["no-edit-under-traffic pyairtable:frontend.blue"]);
    });
  }

  it("allows it for a color without traffic", () => {
    const wanted = { frontend: calm(ALL_LEGACY, { images }) };
    assert.deepEqual(refusals({ live: { frontend: onLegacy("frontend") }, wanted }), []);
  });
});

describe("rule starts-on-legacy", () => {
  it("refuses anything else without a live route", () => {
    assert.deepEqual(refusals({ wanted: { frontend: calm(blue) } }), [
      "starts-on-legacy pyairtable:frontend.traffic",
    ]);
  });

  it("allows legacy, and what is adopted", () => {
    assert.deepEqual(
      refusals({ wanted: { frontend: calm(ALL_LEGACY), "auth-service": calm(blue, { adopt: true }) } }),
      [],
    );
  });
});

describe("rule drift", () => {
  const live = { frontend: at("frontend", part) };
  const applied = { frontend: ALL_LEGACY };
  const tampered = { frontend: { tampered: "its weights are blue 100" } };

  it("refuses to build on a live split that nobody asked for", () => {
    assert.deepEqual(judge(input({ live, applied, wanted: { frontend: calm(half) } })), [
      {
        target: "frontend",
        rule: "drift",
        key: "pyairtable:frontend.traffic",
        found: "legacy 90 / blue 10 on the live route",
        expected:
          "the live split to be what was last applied (legacy 100) or what is wanted (legacy 50 / blue 50)",
        fix: "see what changed and choose which side holds: cutover reconcile frontend",
      },
    ]);
  });

  it("lets the next step build on what was applied", () => {
    assert.deepEqual(refusals({ live, applied: { frontend: part }, wanted: { frontend: calm(half) } }), []);
  });

  it("lets an interrupted update be repeated, or taken back", () => {
    assert.deepEqual(refusals({ live, applied, wanted: { frontend: calm(part) } }), []);
    assert.deepEqual(refusals({ live, applied, wanted: { frontend: calm(ALL_LEGACY) } }), []);
  });

  it("doesn't ask what was applied where nothing is known of it", () => {
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(half) } }), []);
  });

  it("refuses to build on a route that was edited by hand, and says what was edited", () => {
    const [violation] = judge(input({ live: tampered, wanted: { frontend: calm(part) } }));
    assert.equal(violation?.rule, "drift");
    assert.equal(violation.found, "a live route that was changed by hand: its weights are blue 100");
  });

  it("lets all traffic go to legacy even from an edited route", () => {
    assert.deepEqual(refusals({ live: tampered, applied, wanted: { frontend: calm(ALL_LEGACY) } }), []);
  });

  it("refuses to go on where the route has been deleted, but not to start again on legacy", () => {
    const vanished = { applied: { frontend: blue } };
    assert.deepEqual(refusals({ ...vanished, wanted: { frontend: calm(blue) } }), [
      "drift pyairtable:frontend.traffic",
    ]);
    assert.deepEqual(refusals({ ...vanished, wanted: { frontend: calm(ALL_LEGACY) } }), []);
  });
});

describe("a release of an extracted target", () => {
  const live = { frontend: history("frontend", calm(blue, retired), calm(release, retired)) };

  it("may always go back to its standby", () => {
    const wanted = { frontend: calm(blue, { ...retired, images: { blue: "blue:1" } }) };
    assert.deepEqual(refusals({ live, applied: { frontend: green }, wanted }), []);
  });

  it("may not go back to a standby that is no longer what it was", () => {
    const wanted = { frontend: calm(blue, { ...retired, images: { blue: "blue:2" } }) };
    assert.deepEqual(refusals({ live, wanted }), ["no-edit-under-traffic pyairtable:frontend.blue"]);
  });
});

describe("settings and secrets", () => {
  const given = (settings: string, secrets: string, change: Partial<WantedTarget> = {}): WantedTarget =>
    calm(half, { contents: { blue: { settings, secrets }, green: {} }, ...change });
  const live = { frontend: history("frontend", calm(ALL_LEGACY), given("s1", "p1")) };

  it("of a color with traffic are not changed in place, any more than its image", () => {
    assert.deepEqual(judge(input({ live, wanted: { frontend: given("s2", "p1") } })), [
      {
        target: "frontend",
        rule: "no-edit-under-traffic",
        key: "pyairtable:frontend.settings.blue",
        found: "the settings with the hash s2 while blue has 50 % of the traffic",
        expected: "the settings with the hash s1, unchanged for as long as blue has traffic",
        fix: "give the new settings to the other color, or first move the traffic away from blue",
      },
    ]);
    assert.deepEqual(refusals({ live, wanted: { frontend: given("s1", "p2") } }), [
      "no-edit-under-traffic pyairtable:frontend.secrets.blue",
    ]);
    const none = { contents: { blue: {}, green: {} } };
    assert.deepEqual(
      judge(input({ live, wanted: { frontend: calm(half, none) } })).map(({ found }) => found),
      ["no settings while blue has 50 % of the traffic", "no secrets while blue has 50 % of the traffic"],
    );
  });

  it("of the other color may change, and those of all that go back to legacy", () => {
    const contents = { blue: { settings: "s1", secrets: "p1" }, green: { settings: "new" } };
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(half, { contents }) } }), []);
    assert.deepEqual(refusals({ live, wanted: { frontend: given("s2", "p2", { split: ALL_LEGACY }) } }), []);
  });

  it("are believed where one side doesn't say: an older route, or who can't read secrets", () => {
    const older = { frontend: at("frontend", half) };
    assert.deepEqual(refusals({ live: older, wanted: { frontend: given("s1", "p1") } }), []);
    assert.deepEqual(refusals({ live, wanted: { frontend: calm(half) } }), []);
  });

  it("of the standby of a release stay until that is soaked, or it is no way back", () => {
    const contents = { blue: { secrets: "p1" }, green: {} };
    const releasing = history(
      "frontend",
      calm(blue, { ...retired, contents }),
      calm(green, { ...retired, contents }),
    );
    const changed = { ...retired, contents: { blue: { secrets: "p2" }, green: {} } };
    assert.deepEqual(
      refusals({ live: { frontend: releasing }, wanted: { frontend: calm(green, changed) } }),
      ["standby-while-soaking pyairtable:frontend.secrets.blue"],
    );
    const back = (wanted: WantedTarget): boolean =>
      bringsBack(input({ live: { frontend: releasing }, wanted: { frontend: wanted } }));
    assert.ok(back(calm(blue, { ...retired, contents })));
    assert.ok(!back(calm(blue, changed)));
  });
});

describe("violations", () => {
  it("are all told at once, grouped by target, with time where time is all that is missing", () => {
    const live = { frontend: at("frontend", blue), "auth-service": onLegacy("auth-service") };
    const images = { blue: "blue:2" };
    const wanted = { frontend: calm(blue, { ...retired, images }), "auth-service": calm(part) };
    assert.equal(
      formatViolations(judge(input({ live, wanted }))),
      `frontend
  pyairtable:frontend.blue (no-edit-under-traffic)
    found:    blue:2 while blue has 100 % of the traffic
    expected: blue:1, unchanged for as long as blue has traffic
    fix:      give the new image to the other color, or first move the traffic away from blue
  pyairtable:frontend.legacy (retired-only-when-soaked)
    found:    retired while frontend is soaking
    expected: standby until a color has had 100 % for the whole soak
    fix:      keep pyairtable:frontend.legacy: standby until frontend is soaked
    not before 2025-08-12T09:00:00Z
auth-service
  pyairtable:auth-service.traffic (one-in-flight)
    found:    legacy 90 / blue 10 while frontend is soaking
    expected: one target in flight at a time
    fix:      leave auth-service as it is until frontend is soaked or back on legacy
    not before 2025-08-12T09:00:00Z`,
    );
  });
});

describe("drift beside a way back", () => {
  const drifted: Case = {
    live: { frontend: at("frontend", half), "auth-service": { tampered: "edited" } },
    applied: { frontend: half, "auth-service": part },
    wanted: { frontend: calm(ALL_LEGACY), "auth-service": calm(part) },
  };
  const aside = (situation: Case): string[] =>
    setAside(input(situation), judge(input(situation))).map(({ target, rule }) => `${target} ${rule}`);

  it("is set aside, so that it doesn't hold up the way back of another target", () => {
    assert.deepEqual(aside(drifted), ["auth-service drift"]);
  });

  it("is set aside when the fast road has brought another back, which is recorded now", () => {
    const live = { ...drifted.live, frontend: onLegacy("frontend") };
    assert.deepEqual(aside({ ...drifted, live }), ["auth-service drift"]);
    const onGreen = nextRecord("frontend", extracted(blue), calm(green, retired), start);
    const backOnBlue = {
      ...drifted.live,
      frontend: nextRecord("frontend", onGreen, calm(blue, retired), start),
    };
    const recorded = { frontend: calm(blue, retired), "auth-service": calm(part) };
    assert.deepEqual(
      aside({
        ...drifted,
        live: backOnBlue,
        applied: { ...drifted.applied, frontend: green },
        wanted: recorded,
      }),
      ["auth-service drift"],
    );
  });

  it("isn't set aside when an interrupted update forward is finished", () => {
    const live = { ...drifted.live, frontend: at("frontend", half) };
    const applied = { ...drifted.applied, frontend: ALL_LEGACY };
    const wanted = { frontend: calm(half), "auth-service": calm(part) };
    assert.deepEqual(aside({ ...drifted, live, applied, wanted }), []);
  });

  it("isn't set aside when nothing is brought back", () => {
    assert.deepEqual(aside({ ...drifted, wanted: { frontend: calm(half), "auth-service": calm(part) } }), []);
  });

  it("isn't set aside when the file moves the drifted target too", () => {
    assert.deepEqual(
      aside({ ...drifted, wanted: { frontend: calm(ALL_LEGACY), "auth-service": calm(half) } }),
      [],
    );
  });

  it("is all that is set aside", () => {
    const wanted = { frontend: calm(ALL_LEGACY), "api-gateway": calm(part), "auth-service": calm(part) };
    const live = { ...drifted.live, "api-gateway": onLegacy("api-gateway") };
    const situation = { ...drifted, live, applied: { ...drifted.applied, "api-gateway": part }, wanted };
    assert.ok(aside(situation).every((each) => each.endsWith(" drift")));
  });
});

describe("an update brings a target back", () => {
  const brings = (situation: Case): boolean => bringsBack(input(situation));

  it("when a route goes towards legacy, or from a release to its standby, whatever other targets do", () => {
    const live = { frontend: at("frontend", half), docs: onLegacy("docs") };
    assert.ok(brings({ live, wanted: { frontend: calm(part), docs: calm(part) } }));
    const released = { ...calm(blue, retired), images: { blue: "app:1", green: "app:2" } };
    const releasing = nextRecord("frontend", extracted(blue), { ...released, split: release }, start);
    assert.ok(brings({ live: { frontend: releasing }, wanted: { frontend: released } }));
  });

  it("when a route that was changed by hand goes to legacy", () => {
    const live = { frontend: { tampered: "edited" } };
    assert.ok(brings({ live, wanted: { frontend: calm(ALL_LEGACY) } }));
  });

  it("when its route is back already, and that isn't recorded yet", () => {
    const live = { frontend: history("frontend", calm(ALL_LEGACY), calm(half), calm(ALL_LEGACY)) };
    assert.ok(brings({ live, applied: { frontend: half }, wanted: { frontend: calm(ALL_LEGACY) } }));
  });

  it("not when it stays, goes forward, or is new", () => {
    const live = { frontend: at("frontend", half) };
    const applied = { frontend: half };
    for (const split of [half, blue])
      assert.ok(!brings({ live, applied, wanted: { frontend: calm(split) } }));
    assert.ok(!brings({ wanted: { frontend: calm(ALL_LEGACY) } }));
  });
});
