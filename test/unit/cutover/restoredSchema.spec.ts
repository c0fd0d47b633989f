import assert from "node:assert/strict";
import type { Contracted } from "../../../cutover/contracted";
import { judgeSchemas } from "../../../cutover/restoredSchema";

const target = "auth-service";
const begunAt = new Date("2025-08-11T09:00:00.250Z");
const past: Contracted = { image: "migrations:contract", begunAt, isFinished: true, isLast: true };

describe("a restore beside a contract step", () => {
  it("leaves the file's step alone where there is no contract step, or it is in what was restored", () => {
    const kept = { stepInFile: "kept" };
    assert.deepEqual(judgeSchemas(target, { live: undefined, restored: undefined, hasStep: true }), kept);
    assert.deepEqual(judgeSchemas(target, { live: past, restored: past, hasStep: true }), kept);
    assert.deepEqual(judgeSchemas(target, { live: past, restored: undefined, hasStep: false }), kept);
  });

  it("to before it takes it out of the file: an update must not run it again by itself", () => {
    const forgotten = {
      stepInFile: "forgotten",
      note: "At that moment the schema was as before the contract step migrations:contract. The switch takes migration and contract out of the file, so that no update runs the step again.",
    };
    assert.deepEqual(judgeSchemas(target, { live: past, restored: undefined, hasStep: true }), forgotten);
    const earlier = { ...past, image: "migrations:earlier" };
    assert.deepEqual(judgeSchemas(target, { live: past, restored: earlier, hasStep: true }), forgotten);
  });

  it("counts one that was stopped half-way as one that is past", () => {
    const live = { ...past, isFinished: false };
    assert.equal(judgeSchemas(target, { live, restored: undefined, hasStep: true }).stepInFile, "forgotten");
  });

  it("refuses a moment at which it was under way, and names the moments that aren't", () => {
    const restored = { ...past, isFinished: false };
    assert.throws(() => judgeSchemas(target, { live: past, restored, hasStep: true }), {
      name: "Refused",
      message:
        "auth-service: found the contract step migrations:contract half-way at that moment, expected one before 2025-08-11T09:00:00.250Z, when it was begun, or after its end; nothing was switched.",
    });
  });
});
