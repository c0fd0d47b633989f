import assert from "node:assert/strict";
import { newestTransaction } from "../../../database/archivedLog";

describe("The end of a log that was put away", () => {
  it("is the first whole millisecond by which its newest transaction had ended", () => {
    const read = (said: string): string | undefined => newestTransaction(said)?.toISOString();
    assert.equal(read("2026-11-25 21:14:36.123456\n"), "2026-11-25T21:14:36.124Z");
    assert.equal(read("2026-11-25 21:14:36.123000"), "2026-11-25T21:14:36.123Z");
    assert.equal(read("2026-11-25 21:14:59.999001"), "2026-11-25T21:15:00.000Z");
    assert.equal(read("2026-11-25 21:14:36"), "2026-11-25T21:14:36.000Z");
  });

  it("isn't known where it has no transaction", () => {
    assert.equal(newestTransaction(""), undefined);
  });
});
