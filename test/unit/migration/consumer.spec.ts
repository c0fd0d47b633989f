import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_LEGACY, type RouteRecord, allOn, consumerOf, nextRecord } from "../../../migration";
import { calm, records, start } from "./arbitraries";

const half = { legacy: 50, blue: 50, green: 0 };

function after(...splits: RouteRecord["split"][]): RouteRecord {
  const first = nextRecord("automation", undefined, calm(ALL_LEGACY), start);
  return splits.reduce((live, split) => nextRecord("automation", live, calm(split), start), first);
}

describe("who consumes a queue", () => {
  it("is who has all traffic", () => {
    assert.equal(consumerOf(after()), "legacy");
    assert.equal(consumerOf(after(half, allOn("blue"))), "blue");
  });

  it("is who last had it while traffic is shared", () => {
    assert.equal(consumerOf(after(half)), "legacy");
    assert.equal(consumerOf(after(allOn("blue"), half)), "blue");
  });

  it("is who has the largest share once that one is gone", () => {
    const gone = { ...after(allOn("green"), { legacy: 30, blue: 70, green: 0 }), images: { blue: "blue:1" } };
    assert.equal(gone.heldFull, "green");
    assert.equal(consumerOf(gone), "blue");
  });

  it("always runs", () => {
    fc.assert(
      fc.property(records, (record) => {
        const consumer = consumerOf(record);
        if (consumer !== "legacy") assert.ok(record.images[consumer] !== undefined);
        else assert.ok(record.legacy === "standby");
      }),
    );
  });
});
