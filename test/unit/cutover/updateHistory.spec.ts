import assert from "node:assert/strict";
import { isUnreadable } from "../../../cutover/fileState";
import { parseUpdates, updatesByCommit } from "../../../cutover/updateHistory";
import { formatSplit } from "../../../migration";
import { stackFile } from "../config/stackFile";
import { hours, part, staged } from "./situations";
import { type Run, update, versions } from "./versions";

/** As `pulumi stack history --json` tells an update; a value that holds a secret isn't told. */
function told(changes: Readonly<Record<string, unknown>>, secretKey?: string): Record<string, unknown> {
  return {
    version: 0,
    kind: "update",
    startTime: "2026-11-23T08:00:00.000Z",
    endTime: "2026-11-23T08:00:34.000Z",
    message: "frontend: 10 % blue",
    environment: { "exec.kind": "auto.local" },
    config: Object.fromEntries(
      Object.entries(stackFile({ frontend: { ...staged, traffic: part } })).map(([key, value]) => [
        key,
        key === secretKey
          ? { secret: true }
          : { value: JSON.stringify(value), objectValue: value, secret: false },
      ]),
    ),
    result: "succeeded",
    resourceChanges: { same: 129, update: 1 },
    ...changes,
  };
}

const parsed = (...updates: readonly object[]): ReturnType<typeof parseUpdates> =>
  parseUpdates(JSON.stringify(updates));

describe("the updates that Pulumi has recorded", () => {
  it("have their time, duration, result, and what their config asked for", () => {
    const [found] = parsed(told({}));
    assert.ok(found);
    const { state, ...rest } = found;
    assert.deepEqual(rest, {
      startedAt: hours(0),
      seconds: 34,
      result: "succeeded",
      isEmpty: false,
      message: "frontend: 10 % blue",
    });
    const frontend = state.targets.get("frontend");
    assert.equal(frontend && !isUnreadable(frontend) && formatSplit(frontend.split), "legacy 90 / blue 10");
  });

  it("come oldest first, and without refreshes, previews and imports", () => {
    const found = parsed(
      told({ message: "newest" }),
      told({ kind: "refresh" }),
      told({ kind: "preview" }),
      told({ kind: "resource-import" }),
      told({ message: "oldest" }),
    );
    assert.deepEqual(
      found.map(({ message }) => message),
      ["oldest", "newest"],
    );
  });

  it("are empty when they succeeded and changed nothing; a failed one never is", () => {
    const changes = [{ same: 130 }, { same: 129, read: 1 }, {}, { same: 129, delete: 1 }];
    assert.deepEqual(
      parsed(...changes.map((resourceChanges) => told({ resourceChanges }))).map(({ isEmpty }) => isEmpty),
      [false, true, true, true],
    );
    assert.equal(parsed(told({ result: "failed", resourceChanges: {} }))[0]?.isEmpty, false);
  });

  it("are unfinished, without a duration, while they run or when they were killed", () => {
    const [found] = parsed(told({ result: "in-progress", endTime: undefined }));
    assert.deepEqual([found?.result, found && "seconds" in found], ["unfinished", false]);
  });

  it("are refused when they are something else", () => {
    assert.throws(() => parseUpdates("[{}]"));
    assert.throws(() => parseUpdates("error: no stack"));
  });
});

describe("which update carried out which version", () => {
  const forward = { frontend: { ...staged, traffic: part } };
  const back = { frontend: staged };
  const history = versions({ file: back, at: 0 }, { file: forward, at: 1 }, { file: back, at: 2 });

  function found(...runs: readonly Run[]): Record<string, number[]> {
    const byCommit = updatesByCommit(history, runs.map(update));
    return Object.fromEntries(
      [...byCommit].map(([id, updates]) => [
        Number(id),
        updates.map(({ startedAt }) => (startedAt.getTime() - hours(0).getTime()) / 3_600_000),
      ]),
    );
  }

  it("is told by what its config asked for, and by the time: equal versions are the newest one's", () => {
    assert.deepEqual(
      found(
        { file: back, at: 0.5 },
        { file: forward, at: 1.5 },
        { file: back, at: 2.5 },
        { file: back, at: 3 },
      ),
      { 0: [0.5], 1: [1.5], 2: [2.5, 3] },
    );
  });

  it("may be an older version's, when whoever updated hadn't pulled yet", () => {
    assert.deepEqual(found({ file: forward, at: 2.5 }), { 1: [2.5] });
  });

  it("is no version's, when it asked for what was never committed, or before it was", () => {
    assert.deepEqual(
      found({ file: { docs: staged }, at: 2.5 }, { file: forward, at: 0.5 }, { file: back, at: -1 }),
      {},
    );
  });

  it("is told by the other keys, where one holds a secret", () => {
    const [secret] = parsed(told({ startTime: hours(1.5).toISOString() }, "pyairtable:auth-service"));
    assert.ok(secret);
    assert.deepEqual([...updatesByCommit(history, [secret]).keys()].map(Number), [1]);
  });

  it("is no version's, when it tells nothing", () => {
    const [silent] = parsed(told({ startTime: hours(3).toISOString(), config: {} }));
    assert.ok(silent);
    assert.equal(updatesByCommit(history, [silent]).size, 0);
  });
});
