import assert from "node:assert/strict";
import { stopOnceStarted } from "../../../cutover/stopOnceStarted";

describe("the signal that ends an update", () => {
  it("follows the user's at once when the update has started", () => {
    const wanted = new AbortController();
    const stop = stopOnceStarted(wanted.signal);
    stop.started();
    assert.equal(stop.signal.aborted, false);

    wanted.abort();

    assert.equal(stop.signal.aborted, true);
    stop.close();
  });

  it("waits for the start when the user's comes before it", () => {
    const wanted = new AbortController();
    const stop = stopOnceStarted(wanted.signal);

    wanted.abort();

    assert.equal(stop.signal.aborted, false);
    stop.started();
    assert.equal(stop.signal.aborted, true);
    stop.close();
  });

  it("comes once, however often the start is told", () => {
    const wanted = new AbortController();
    const stop = stopOnceStarted(wanted.signal);
    let times = 0;
    stop.signal.addEventListener("abort", () => (times += 1));

    wanted.abort();
    stop.started();
    stop.started();

    assert.equal(times, 1);
    stop.close();
  });

  it("never comes after the update has ended", () => {
    const wanted = new AbortController();
    const stop = stopOnceStarted(wanted.signal);

    stop.close();
    wanted.abort();

    assert.equal(stop.signal.aborted, false);
  });
});
