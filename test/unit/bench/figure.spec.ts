import assert from "node:assert/strict";
import { interleave, undoAll } from "../../../bench/figure";
import { isBusy } from "../../../bench/machine";

const going = new AbortController().signal;
const silent = (): void => undefined;

describe("the contenders of a figure", () => {
  it("run in turn, so that a busy minute hits them all", async () => {
    const order: string[] = [];
    const contenders = ["A", "B", "C"].map((name) => ({
      name,
      run: () => Promise.resolve({ calls: order.push(name) }),
    }));
    const results = await interleave(contenders, 2, { signal: going, onRun: silent });
    assert.equal(order.join(" "), "A B C A B C");
    assert.deepEqual(results[1], { name: "B", samples: [{ calls: 2 }, { calls: 5 }] });
  });

  it("run no more once the end was asked for", async () => {
    const end = new AbortController();
    let runs = 0;
    const run = (): Promise<Record<string, number>> => {
      runs += 1;
      if (runs === 2) end.abort(new Error("enough"));
      return Promise.resolve({});
    };
    await assert.rejects(
      interleave([{ name: "A", run }], 10, { signal: end.signal, onRun: silent }),
      /enough/,
    );
    assert.equal(runs, 2);
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
