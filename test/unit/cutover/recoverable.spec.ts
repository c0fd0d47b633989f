import assert from "node:assert/strict";
import { requireRecoverable } from "../../../cutover/recoverable";
import type { Recoverable } from "../../../database/host";

describe("The moments that a target's database can go back to", () => {
  const instance = "auth-service-postgresql";
  const at = (time: string): Date => new Date(`2025-08-11T${time}Z`);
  const answering: Recoverable = { from: at("09:00:00"), to: at("10:00:00") };
  const dead: Recoverable = { ...answering, unanswered: "no such socket" };

  function required(
    to: string,
    window: Recoverable | undefined,
    isMade = false,
  ): Promise<string | undefined> {
    const host = {
      recoverable: () => Promise.resolve(window),
      isRestored: () => Promise.resolve(isMade),
    };
    return requireRecoverable("auth-service", { host, instance }, { to: at(to), as: "new" }, at("10:00:01"));
  }
  const refused = (asked: Promise<unknown>, message: RegExp): Promise<void> =>
    assert.rejects(asked, { name: "Refused", message });

  it("are those from the oldest backup to the newest of what is put away, or to now", async () => {
    for (const to of ["09:00:00", "09:30:00", "10:00:00"]) {
      assert.equal(await required(to, answering), undefined);
      assert.equal(await required(to, dead), "no such socket");
    }
  });

  it("are named where another one is asked for", async () => {
    await refused(
      required("08:59:59", answering),
      /expected 2025-08-11T09:00:00Z or later: there is no older/,
    );
    await refused(required("10:00:02", answering), /expected a moment that has been; nothing was changed$/);
    await refused(
      required("10:00:00.001", answering),
      /found --to 2025-08-11T10:00:00\.001Z, expected 2025-08-11T10:00:00\.000Z or earlier: nothing newer/,
    );
    await refused(
      required("10:00:00.001", dead),
      /or earlier: auth-service-postgresql doesn't answer, and its backups hold nothing newer \(no such socket\)/,
    );
    await refused(required("09:30:00", undefined), /no backup of auth-service-postgresql yet/);
  });

  it("are not asked for again once that moment is restored", async () => {
    assert.equal(await required("10:00:00.001", dead, true), "no such socket");
  });
});
