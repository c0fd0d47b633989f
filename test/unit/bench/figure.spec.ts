import assert from "node:assert/strict";
import { interleave, undoAll } from "../../../bench/figure";
import { isBusy } from "../../../bench/machine";

const going = new AbortController().signal;
const silent = (): void => undefined;
const quiet = { onRun: silent, onSample: silent };

describe("the contenders of a figure", () => {
  it("run in turn, so that a busy minute hits them all", async () => {
    const order: string[] = [];
    const contenders = ["A", "B", "C"].map((name) => ({
      name,
      run: () => Promise.resolve({ calls: order.push(name) }),
    }));
    let last: unknown;
    await interleave(contenders, 2, {
      signal: going,
      onRun: silent,
      onSample: ([, second]) => (last = second),
    });
    assert.equal(order.join(" "), "A B C A B C");
    assert.deepEqual(last, { name: "B", samples: [{ calls: 2 }, { calls: 5 }] });
  });

  it("run no more once the end was asked for", async () => {
    const end = new AbortController();
    let runs = 0;
    const run = (): Promise<Record<string, number>> => {
      runs += 1;
      if (runs === 2) end.abort(new Error("enough"));
      return Promise.resolve({});
    };
    await assert.rejects(interleave([{ name: "A", run }], 10, { signal: end.signal, ...quiet }), /enough/);
    assert.equal(runs, 2);
  });

  it("are told of after each run, so that what breaks off later keeps what it has", async () => {
    const told: unknown[] = [];
    let runs = 0;
    const run = (): Promise<Record<string, number>> => {
      runs += 1;
      return runs === 3 ? Promise.reject(new Error("broken")) : Promise.resolve({ runs });
    };
    const onSample = (results: unknown): void => void told.push(structuredClone(results));
    await assert.rejects(
      interleave([{ name: "A", run }], 10, { signal: going, onRun: silent, onSample }),
      /broken/,
    );
    assert.deepEqual(told, [
      [{ name: "A", samples: [{ runs: 1 }] }],
      [{ name: "A", samples: [{ runs: 1 }, { runs: 2 }] }],
    ]);
  });
});

describe("cleaning up", () => {
  it("goes on after what failed, and says all of it", async () => {
    const undone: string[] = [];
    const failing = (): Promise<void> => Promise.reject(new Error("stuck"));
    const undo = (): Promise<void> => Promise.resolve(void undone.push("last"));
    await assert.rejects(undoAll([failing, failing, undo]), /stuck; Error: stuck/);
    assert.deepEqual(undone, ["last"]);
  });
});

describe("a machine", () => {
  it("is busy when its load of the last minute is more than half of its cores", () => {
    assert.equal(isBusy([1.1, 0, 0], 2), true);
    assert.equal(isBusy([1, 9, 9], 2), false);
  });
});
