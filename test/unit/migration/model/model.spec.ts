import assert from "node:assert/strict";
import { ALL_LEGACY, type Split, type WantedTarget, allOn } from "../../../../migration";
import {
  type Disagreement,
  type Exploration,
  type World,
  asIs,
  explore,
  reaching,
  refusedBy,
} from "./explore";

const half: Split = { legacy: 50, blue: 50, green: 0 };
const wish = (
  split: Split,
  images: WantedTarget["images"],
  legacy: WantedTarget["legacy"],
): WantedTarget => ({
  split,
  images,
  legacy,
  adopt: false,
});
const blue = { blue: "app@sha256:1" };
const splits: readonly Split[] = [
  ALL_LEGACY,
  half,
  { legacy: 50, blue: 0, green: 50 },
  { legacy: 0, blue: 50, green: 50 },
  allOn("blue"),
  allOn("green"),
];

/** A caller, what it calls, and what that calls in turn; the last comes after both in the plan's order. */
const three: World = {
  targets: ["frontend", "api-gateway", "airtable-gateway"],
  wishes: [
    wish(ALL_LEGACY, {}, "standby"),
    wish(ALL_LEGACY, blue, "standby"),
    wish(half, blue, "standby"),
    wish(allOn("blue"), blue, "standby"),
    wish(allOn("blue"), blue, "retired"),
  ],
};

/** Everything that a file can say of one target with two images to choose from. */
const one: World = { targets: ["frontend"], wishes: allWishes() };

/** The same with settings or secrets to choose from instead, known to who asks or not. */
const configured: World = { targets: ["frontend"], wishes: configuredWishes() };

/** The same as three, with nothing measured of any. */
const unmeasured: World = {
  ...three,
  circumstances: { evidence: new Map() },
  plan: { proven: new Set<string>() },
};

describe("the rules, on all states and plans of", () => {
  for (const [name, world] of Object.entries({
    "three targets": three,
    "one target and its releases": one,
    "one target, its settings and its secrets": configured,
    "one target and its releases, in the freeze": {
      ...one,
      circumstances: {
        freeze: { phase: "full-freeze", applied: "full-freeze", signOffs: [], changes: new Map() },
      },
      plan: { allowedChanges: new Set<string>() },
    } satisfies World,
    "one target and its releases, of which staging has completed one": {
      ...one,
      circumstances: { staging: new Map([["frontend", ["sha256:1"]]]) },
      plan: { completed: new Set(["frontend app@sha256:1"]) },
    } satisfies World,
  })) {
    describe(name, () => {
      let found: Exploration;

      before(function () {
        this.timeout(120_000);
        found = explore(world);
        const { states, transitions, accepted } = found;
        process.stdout.write(
          `      ${states.length} states, ${transitions} plans, of which ${accepted} are legal\n`,
        );
      });

      it("accept no illegal plan and refuse no legal one", () => {
        assert.deepEqual(found.disagreements.slice(0, 3).map(told), []);
        assert.ok(found.accepted > 0 && found.accepted < found.transitions);
      });

      it("leave a way to legacy in one step, for each target and for all at once", () => {
        const back = (index: number, state: Exploration["states"][number]): WantedTarget => {
          const record = state[index];
          assert.ok(record);
          return { ...asIs(record), split: ALL_LEGACY, legacy: "standby" };
        };
        for (const state of found.states) {
          const all = state.map((_, index) => back(index, state));
          assert.deepEqual(refusedBy(world, state, all), []);
          for (const index of state.keys()) {
            const wanted = state.map((record, each) => (each === index ? back(each, state) : asIs(record)));
            assert.deepEqual(refusedBy(world, state, wanted), []);
          }
        }
      });

      it("leave a path forward to all extracted", () => {
        const reached = reaching(found, (state) =>
          state.every(({ split, legacy }) => legacy === "retired" && split.blue === 100),
        );
        assert.equal(reached.size, found.states.length);
      });
    });
  }
});

describe("the statement that the rules are held against", () => {
  for (const [rule, world] of [
    ["one-in-flight", three],
    ["order", three],
    ["retired-only-when-soaked", three],
    ["retired-after-callers", three],
    ["standby-while-soaking", one],
    ["standby-while-soaking", configured],
    ["evidence", unmeasured],
  ] as const) {
    it(`notices when ${rule} is gone`, () => {
      const overrides = world.targets.map((target) => ({
        target,
        rule,
        reason: "none",
        approver: "nobody",
        expires: new Date("2125-01-01T00:00:00Z"),
      }));
      const { disagreements } = explore(
        { ...world, circumstances: { ...world.circumstances, overrides } },
        { untilDisagreement: true },
      );
      const [first] = disagreements;
      assert.ok(first);
      assert.deepEqual(first.rules, []);
    });
  }
});

function told({ state, wanted, rules }: Disagreement): string {
  return JSON.stringify({ state, wanted, rules }, undefined, 1);
}

function configuredWishes(): readonly WantedTarget[] {
  const images = { blue: "app@sha256:1", green: "app@sha256:1" };
  const blues = [{ settings: "1" }, { settings: "2" }];
  const greens = [{ secrets: "1" }, {}];
  const known = blues.flatMap((own) => greens.map((green) => ({ contents: { blue: own, green } })));
  return splits.flatMap((split) =>
    [{}, ...known].flatMap((contents) => {
      const standby = { ...wish(split, images, "standby"), ...contents };
      return split.legacy > 0 ? [standby] : [standby, { ...standby, legacy: "retired" as const }];
    }),
  );
}

function allWishes(): readonly WantedTarget[] {
  const images = [undefined, "app@sha256:1", "app@sha256:2"];
  return splits.flatMap((split) =>
    images.flatMap((blueImage) =>
      images.flatMap((greenImage) => {
        if (split.blue > 0 && blueImage === undefined) return [];
        if (split.green > 0 && greenImage === undefined) return [];
        const running = {
          ...(blueImage !== undefined && { blue: blueImage }),
          ...(greenImage !== undefined && { green: greenImage }),
        };
        const standby = wish(split, running, "standby");
        return split.legacy > 0 ? [standby] : [standby, wish(split, running, "retired")];
      }),
    ),
  );
}
