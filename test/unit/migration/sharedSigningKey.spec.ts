import assert from "node:assert/strict";
import fc from "fast-check";
import type { RoutedTargetName } from "../../../catalog";
import {
  ALL_LEGACY,
  BACKENDS,
  type LiveRoute,
  type RouteRecord,
  type Split,
  type TokenTrust,
  type Violation,
  type WantedTarget,
  isWayBack,
  judge,
  judgeUpdate,
  nextRecord,
  splitsEqual,
  waysBack,
} from "../../../migration";
import { calm, hoursLater, judgeInput, records, start, wantedTargets } from "./arbitraries";

const target = "auth-service";
const blue: Split = { legacy: 0, blue: 100, green: 0 };
const part: Split = { legacy: 90, blue: 10, green: 0 };
const release: Split = { legacy: 0, blue: 90, green: 10 };
const green: Split = { legacy: 0, blue: 0, green: 100 };
const retired = { legacy: "retired" } as const;

const all: TokenTrust["blue"] = BACKENDS;
const shared: TokenTrust = { legacy: all, blue: all, green: all };
/** Green signs with another key, and nobody has anybody else's. */
const apart: TokenTrust = { legacy: ["legacy", "blue"], blue: ["legacy", "blue"], green: ["green"] };
/** Both colours have two keys, and green signs with the one that legacy doesn't have. */
const both: TokenTrust = { legacy: ["legacy", "blue"], blue: all, green: all };

function history(...updates: [WantedTarget, ...WantedTarget[]]): RouteRecord {
  const [first, ...rest] = updates;
  return rest.reduce(
    (live, wanted) => nextRecord(target, live, wanted, start),
    nextRecord(target, undefined, first, start),
  );
}

const onLegacy = history(calm(ALL_LEGACY));
const extracted = (...splits: Split[]) =>
  history(calm(ALL_LEGACY), calm(blue), calm(blue, retired), ...splits.map((split) => calm(split, retired)));

function judged(live: LiveRoute, wanted: WantedTarget, trust: TokenTrust | undefined): Violation[] {
  const violations = judge(
    judgeInput({
      live: new Map([[target, live]]),
      applied: new Map(),
      wanted: new Map([[target, wanted]]),
      tokens: new Map(trust && [[target, trust]]),
      now: hoursLater(48),
    }),
  );
  return violations.filter(({ rule }) => rule === "shared-signing-key");
}

describe("rule shared-signing-key", () => {
  it("refuses a release whose tokens the standby doesn't accept, and one that doesn't accept the standby's", () => {
    assert.deepEqual(judged(extracted(), calm(release, retired), apart), [
      {
        target,
        rule: "shared-signing-key",
        key: "pyairtable:auth-service.secrets.blue.ACCEPTED_SIGNING_KEY",
        found: "blue doesn't accept the tokens that green signs",
        expected:
          "tokens of blue, green to be valid on each of them, as blue 90 / green 10 and the way back from it need",
        fix: "while blue has no traffic, let it accept the key that green signs with (pyairtable:auth-service.secrets.green.SIGNING_KEY, else pyairtable:auth-service.signingKey); the steps are in docs/rotate-signing-key.md",
      },
      {
        target,
        rule: "shared-signing-key",
        key: "pyairtable:auth-service.secrets.green.ACCEPTED_SIGNING_KEY",
        found: "green doesn't accept the tokens that blue signs",
        expected:
          "tokens of blue, green to be valid on each of them, as blue 90 / green 10 and the way back from it need",
        fix: "while green has no traffic, let it accept the key that blue signs with (pyairtable:auth-service.secrets.blue.SIGNING_KEY, else pyairtable:auth-service.signingKey); the steps are in docs/rotate-signing-key.md",
      },
    ]);
  });

  it("refuses it at 100 %, too, where the standby has no traffic left", () => {
    assert.equal(judged(extracted(release), calm(green, retired), apart).length, 2);
  });

  it("refuses a standby that is changed so that it no longer fits", () => {
    assert.equal(judged(extracted(release, green), calm(green, retired), apart).length, 2);
  });

  it("allows what each of both accepts", () => {
    for (const trust of [shared, both]) {
      assert.deepEqual(judged(extracted(), calm(release, retired), trust), []);
    }
  });

  it("has every colour sign with the shared key while legacy is kept", () => {
    const onGreen: Split = { legacy: 90, blue: 0, green: 10 };
    assert.deepEqual(judged(onLegacy, calm(onGreen), both), [
      {
        target,
        rule: "shared-signing-key",
        key: "pyairtable:auth-service.secrets.green.SIGNING_KEY",
        found:
          "green signs with another key than pyairtable:auth-service.signingKey, the only one that legacy is known to accept",
        expected:
          "tokens of legacy, green to be valid on each of them, as legacy 90 / green 10 and the way back from it need",
        fix: "let green sign with pyairtable:auth-service.signingKey for as long as legacy is kept, and rotate when it is retired",
      },
    ]);
    assert.deepEqual(judged(onLegacy, calm(part), both), []);
  });

  it("doesn't ask a colour that is only staged", () => {
    assert.deepEqual(judged(onLegacy, calm(ALL_LEGACY), apart), []);
    assert.deepEqual(judged(extracted(), calm(blue, retired), apart), []);
  });

  it("refuses no way back", () => {
    assert.deepEqual(judged(extracted(release), calm(blue, retired), apart), []);
    assert.deepEqual(judged(history(calm(ALL_LEGACY), calm(part)), calm(ALL_LEGACY), apart), []);
  });

  it("is silent where the keys can't be read", () => {
    assert.deepEqual(judged(extracted(), calm(release, retired), undefined), []);
  });

  it("doesn't hold up the way back of another target", () => {
    const other: RoutedTargetName = "frontend";
    const { refused, aside } = judgeUpdate(
      judgeInput({
        live: new Map([
          [target, extracted(release)],
          [
            other,
            nextRecord(other, nextRecord(other, undefined, calm(ALL_LEGACY), start), calm(part), start),
          ],
        ]),
        applied: new Map([
          [target, release],
          [other, part],
        ]),
        wanted: new Map([
          [target, calm(release, retired)],
          [other, calm(ALL_LEGACY)],
        ]),
        tokens: new Map([[target, apart]]),
        now: hoursLater(48),
      }),
    );
    assert.deepEqual(refused, []);
    assert.deepEqual(
      aside.map(({ rule }) => rule),
      ["shared-signing-key", "shared-signing-key"],
    );
  });

  it("allows exactly what no switch, forward or back, can end a session by", () => {
    const accepted = fc.subarray([...BACKENDS]);
    const trusts = fc.record({ legacy: accepted, blue: accepted, green: accepted });
    fc.assert(
      fc.property(records, wantedTargets, trusts, (live, wanted, trust) => {
        const next = nextRecord(target, live, wanted, hoursLater(48));
        const reached = [wanted.split, ...waysBack(next, wanted)];
        const serving = BACKENDS.filter((backend) => reached.some((split) => split[backend] > 0));
        const fits = serving.every((by) => serving.every((signer) => trust[by].includes(signer)));
        const isBack = !splitsEqual(live.split, wanted.split) && isWayBack(live, wanted);
        assert.equal(judged(live, wanted, trust).length === 0, fits || isBack);
      }),
    );
  });
});
