import assert from "node:assert/strict";
import { judged } from "../../../config/judged";
import { parseStackConfig } from "../../../config/parse";
import {
  ALL_LEGACY,
  type Color,
  type RouteRecord,
  type Split,
  type Violation,
  allOn,
  formatViolations,
  judge,
  nextRecord,
} from "../../../migration";
import { parseOutputs } from "../../../stack/outputs";
import { digest, stackFile } from "./stackFile";

const target = "auth-service";
const oldKey = "hunter-of-yesterday";
const newKey = "hunter-of-tomorrow";

interface Keys {
  readonly SIGNING_KEY?: string;
  readonly ACCEPTED_SIGNING_KEY?: string;
}

/** What stands in the file. */
interface Wanted {
  readonly split: Split;
  readonly blue?: Keys;
  readonly green?: Keys;
  readonly legacy?: "standby";
}

function configOf({ split, blue = {}, green = {}, legacy }: Wanted): ReturnType<typeof parseStackConfig> {
  return parseStackConfig(
    stackFile({
      [target]: {
        blue: digest,
        green: digest,
        traffic: { ...split },
        legacy: legacy ?? "retired",
        signingKey: oldKey,
        secrets: { blue, green },
      },
    }),
  );
}

const now = new Date("2026-03-02T09:00:00Z");
const daysLater = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

/** Updates one after the other, days apart; each is judged by what the one before has left. */
class Walk {
  private live: RouteRecord;
  private day = 1;

  constructor(start: Wanted) {
    const { targets } = configOf(start);
    const before = nextRecord(
      target,
      undefined,
      { ...targets[target], split: ALL_LEGACY, legacy: "standby" },
      now,
    );
    this.live = nextRecord(target, before, targets[target], now);
  }

  /** What the rules say of the update; one that they accept is made. */
  update(wanted: Wanted): readonly Violation[] {
    const config = configOf(wanted);
    this.day += 2;
    const time = daysLater(this.day);
    const applied = { ...parseOutputs({}), splits: new Map([[target, this.live.split] as const]) };
    const live = new Map([[target, this.live] as const]);
    const violations = judge(
      judged(config, applied, { live, staging: undefined, evidence: undefined, now: time }),
    );
    if (violations.length === 0) {
      this.live = nextRecord(target, this.live, config.targets[target], time);
    }
    return violations;
  }

  accepted(wanted: Wanted): void {
    assert.equal(formatViolations(this.update(wanted)), "");
  }

  /** By 10 %, back, and then by 10 and 50 to 100 %, back, and there. */
  release(color: Color, keys: Omit<Wanted, "split">): void {
    const from: Color = color === "blue" ? "green" : "blue";
    const at = (weight: number): Wanted => ({
      ...keys,
      split: { ...allOn(from), [from]: 100 - weight, [color]: weight },
    });
    for (const weight of [0, 10, 0, 10, 50, 100, 0, 100]) this.accepted(at(weight));
  }
}

const steps = {
  first: { green: { SIGNING_KEY: oldKey, ACCEPTED_SIGNING_KEY: newKey } },
  second: { blue: { SIGNING_KEY: newKey, ACCEPTED_SIGNING_KEY: oldKey } },
  third: { green: { SIGNING_KEY: newKey } },
};

describe("a rotation of the signing key, by the rules", () => {
  it("is three releases, each of which can be taken back", () => {
    const walk = new Walk({ split: allOn("blue") });
    walk.release("green", steps.first);
    walk.release("blue", { ...steps.first, ...steps.second });
    walk.release("green", { ...steps.second, ...steps.third });
  });

  it("needs each of them", () => {
    const without = {
      first: new Walk({ split: allOn("green") }).update({ split: allOn("blue"), ...steps.second }),
      second: new Walk({ split: allOn("blue") }).update({ split: allOn("green"), ...steps.third }),
    };
    for (const [step, violations] of Object.entries(without)) {
      assert.ok(
        violations.some(({ rule }) => rule === "shared-signing-key"),
        step,
      );
    }
  });

  it("waits for legacy to be retired from the second on", () => {
    const share: Split = { legacy: 90, blue: 0, green: 10 };
    const start: Wanted = { split: ALL_LEGACY, legacy: "standby" };
    const rulesOf = (keys: Keys): readonly string[] =>
      new Walk(start)
        .update({ ...start, split: share, green: keys })
        .filter(({ target: of }) => of === target)
        .map(({ rule }) => rule)
        .filter((rule) => rule === "shared-signing-key");
    assert.deepEqual(rulesOf(steps.first.green), []);
    assert.deepEqual(rulesOf({ SIGNING_KEY: newKey, ACCEPTED_SIGNING_KEY: oldKey }), ["shared-signing-key"]);
  });

  it("is refused without a word of a key", () => {
    const violations = new Walk({ split: allOn("blue") }).update({ split: allOn("green"), ...steps.third });
    const said = formatViolations(violations) + JSON.stringify(violations);
    assert.match(said, /green doesn't accept the tokens that blue signs/);
    assert.doesNotMatch(said, /hunter/);
  });
});
