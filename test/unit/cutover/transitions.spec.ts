import assert from "node:assert/strict";
import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import type { RoutedTargetName } from "../../../catalog";
import type { FileState, Told } from "../../../cutover/fileState";
import { type Transition, changeText, replay, road, untouched } from "../../../cutover/transitions";
import type { Version } from "../../../cutover/fileHistory";
import type { WantedTarget } from "../../../migration";
import { targets, wantedTargets } from "../migration/arbitraries";
import { blue, extracted, green, hours, part, staged } from "./situations";
import { versions } from "./versions";

const untouchedFrontend = { blue: undefined };
const other = `registry/app@sha256:${"b".repeat(64)}`;

/** `00… frontend: forward: legacy 100 -> legacy 90 / blue 10` */
function lines(transitions: readonly Transition[]): string[] {
  return transitions.map(
    ({ commit, target, changes }) =>
      `${Number(commit.id)} ${target ?? "file"}: ${changes.map((change) => changeText(change, (image) => image.slice(20, 24))).join(", ")}`,
  );
}

describe("the transitions of a stack file's versions", () => {
  it("are what each commit changed of each target: staged, forward, back, and nothing for other keys", () => {
    const { transitions } = replay(
      versions(
        { file: { frontend: untouchedFrontend } },
        { file: { frontend: staged } },
        { file: { frontend: { ...staged, traffic: part } } },
        { file: { frontend: { ...staged, traffic: part, capacity: 5 } } },
        { file: { frontend: staged } },
      ),
    );
    assert.deepEqual(lines(transitions), [
      "1 frontend: blue staged: aaaa",
      "2 frontend: forward: legacy 100 -> legacy 90 / blue 10",
      "4 frontend: rollback: legacy 90 / blue 10 -> legacy 100",
    ]);
  });

  it("tell a release from its rollback after the extraction, as the rules do", () => {
    const released = { ...extracted, green: other, traffic: green };
    const { transitions } = replay(
      versions(
        { file: { frontend: extracted } },
        { file: { frontend: { ...extracted, green: other } } },
        { file: { frontend: released } },
        { file: { frontend: { ...released, traffic: blue } } },
        { file: { frontend: { blue: staged.blue, traffic: blue, legacy: "standby" } } },
      ),
    );
    assert.deepEqual(lines(transitions).slice(1), [
      "1 frontend: green staged: bbbb",
      "2 frontend: forward: blue 100 -> green 100",
      "3 frontend: rollback: green 100 -> blue 100",
      "4 frontend: green removed: bbbb, legacy kept again",
    ]);
  });

  it("begin with all on legacy, so that a first version tells what it brings", () => {
    const { transitions } = replay(
      versions({
        file: {
          frontend: { ...staged, traffic: blue, adopt: true },
          docs: { ...staged, traffic: blue, legacy: "retired" },
          infrastructure: { owner: "pulumi" },
        },
      }),
    );
    assert.deepEqual(lines(transitions), [
      "0 frontend: blue staged: aaaa, adoption: legacy 100 -> blue 100",
      "0 docs: blue staged: aaaa, forward: legacy 100 -> blue 100, legacy retired",
      "0 infrastructure: adopted: owner pulumi",
    ]);
  });

  it("have the owner's change, and a replaced image", () => {
    const { transitions } = replay(
      versions({ file: { infrastructure: { owner: "pulumi" } } }, { file: { frontend: { blue: other } } }),
    );
    assert.deepEqual(lines(transitions).slice(2), [
      "1 frontend: blue: aaaa -> bbbb",
      "1 infrastructure: let go: owner terraform",
    ]);
  });

  it("show what can't be read: the whole file at each commit, a target once until that changes", () => {
    const broken = { traffic: { legacy: 1, blue: 0, green: 0 } };
    const { transitions } = replay(
      versions(
        { file: { frontend: staged } },
        { unreadable: "not valid YAML" },
        { unreadable: "not valid YAML" },
        { file: { frontend: broken } },
        { file: { frontend: broken, docs: staged } },
        { file: { frontend: { ...staged, traffic: part }, docs: staged } },
      ),
    );
    assert.deepEqual(lines(transitions), [
      "0 frontend: blue staged: aaaa",
      "1 file: can't be read: not valid YAML",
      "2 file: can't be read: not valid YAML",
      "3 frontend: can't be read: traffic: expected a sum of 100",
      "4 docs: blue staged: aaaa",
      "5 frontend: forward: legacy 100 -> legacy 90 / blue 10",
    ]);
  });

  it("know the fast road by the message that it writes", () => {
    const summaries = [
      "frontend: rollback to legacy 100",
      "frontend: rollback to blue 100",
      "docs: rollback to legacy 100",
      'Revert "frontend: 10 % blue"',
    ];
    const roads = summaries.map((summary) => {
      const { transitions } = replay(
        versions(
          { file: { frontend: { ...staged, traffic: part } } },
          { file: { frontend: staged }, summary },
        ),
      );
      return road(transitions.at(-1) ?? assert.fail());
    });
    assert.deepEqual(roads, ["fast", "plain", "plain", "plain"]);
  });
});

/** Targets' entries, some unreadable, some files unreadable whole. */
const states: fc.Arbitrary<Told<FileState>> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ unreadable: "spoilt" }) },
  {
    weight: 9,
    arbitrary: fc
      .record({
        target: targets,
        told: fc.oneof(
          { weight: 6, arbitrary: wantedTargets },
          { weight: 1, arbitrary: fc.constant({ unreadable: "spoilt" }) },
        ),
        owner: fc.constantFrom("terraform" as const, "pulumi" as const, { unreadable: "spoilt" }),
      })
      .map(({ target, told, owner }) => ({ targets: new Map([[target, told]]), owner })),
  },
);

describe("transitions of any history", () => {
  it("lead, from all on legacy, to what each target's newest readable version says", () => {
    fc.assert(
      fc.property(fc.array(states, { maxLength: 12 }), (found) => {
        const history = found.map((state, index): Version => ({
          commit: { id: String(index), at: hours(index), by: "ops", summary: "" },
          state,
        }));
        const { transitions, records } = replay(history);
        const played = new Map(routedTargets.map((target) => [target, played0()]));
        let owner = "terraform";
        for (const { target, changes } of transitions) {
          for (const change of changes) {
            if (change.kind === "owner") {
              assert.equal(change.from, owner);
              owner = change.to;
            }
            if (target !== undefined && target !== "infrastructure") apply(played, target, change);
          }
        }
        for (const target of routedTargets) {
          const newest = newestReadable(history, target);
          const { split, images, legacy } = newest ?? untouched;
          assert.deepEqual(played.get(target), { split, images, legacy });
          const record = records.get(target)?.at(-1)?.record;
          assert.equal(record === undefined, newest === undefined);
          if (record) assert.deepEqual([record.split, record.images, record.legacy], [split, images, legacy]);
        }
      }),
    );
  });
});

type Played = Pick<WantedTarget, "split" | "images" | "legacy">;

function played0(): Played {
  return { split: untouched.split, images: {}, legacy: "standby" };
}

/** As a reader of the history would: each change goes out from where the one before led. */
function apply(
  played: Map<RoutedTargetName, Played>,
  target: RoutedTargetName,
  change: Transition["changes"][number],
): void {
  const now = played.get(target) ?? assert.fail();
  if (change.kind === "traffic") {
    assert.deepEqual(change.from, now.split);
    played.set(target, { ...now, split: change.to });
  }
  if (change.kind === "legacy") {
    assert.equal(change.from, now.legacy);
    played.set(target, { ...now, legacy: change.to });
  }
  if (change.kind === "image") {
    assert.equal(change.from, now.images[change.color]);
    const others = Object.entries(now.images).filter(([color]) => color !== change.color);
    const own = change.to === undefined ? [] : [[change.color, change.to] as const];
    played.set(target, { ...now, images: Object.fromEntries([...others, ...own]) });
  }
}

function newestReadable(history: readonly Version[], target: RoutedTargetName): WantedTarget | undefined {
  return history
    .flatMap(({ state }) => ("unreadable" in state ? [] : [state.targets.get(target)]))
    .findLast((told): told is WantedTarget => told !== undefined && !("unreadable" in told));
}
