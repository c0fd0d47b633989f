import assert from "node:assert/strict";
import { ask } from "../../cluster/kubeApi";
import { backendCookie, backendHeader } from "../../cluster/names";
import { binomialInterval } from "../../local/load/statistics";
import { gatewayAddress } from "../../local/platform/gateway";
import type { LocalStack } from "../../local/localStack";
import type { Backend } from "../../migration";
import { type Seen, type Whereabouts, unforced, withCrowd } from "./crowd";
import { cutover } from "../e2e/cutoverCommand";
import { commitSplit, split, stackOnLegacy, succeeded } from "../e2e/world";

const steps = {
  tenth: split("legacy 90 / blue 10"),
  half: split("legacy 50 / blue 50"),
  all: split("blue 100"),
};
/** How many come before the cutover, at 10 % and at 50 %. */
const users = { before: 4000, atTenth: 3000, atHalf: 3000 };

describe("the sessions of 10,000 users, through a cutover and its rollback", () => {
  let stack: LocalStack;
  let seen: Seen;
  let newAtTenth: Whereabouts;
  let newAtHalf: Whereabouts;
  let onTheWay: Whereabouts;
  let atAll: Whereabouts;
  let rolledBack: Whereabouts;
  let changesForward = 0;

  before(async function () {
    this.timeout(300_000);
    stack = await stackOnLegacy("sessions");
    await stack.git("config", "user.name", "sessions");
    await stack.git("config", "user.email", "sessions@localhost");
    seen = await withCrowd([split("legacy 100"), ...Object.values(steps)], async (crowd) => {
      await crowd.join(users.before);
      await move(stack, steps.tenth);
      newAtTenth = await crowd.join(users.atTenth);
      await move(stack, steps.half);
      newAtHalf = await crowd.join(users.atHalf);
      onTheWay = await crowd.everybody();
      assert.equal(crowd.seen.changes.length, 0, "somebody was moved on the way");
      await move(stack, steps.all);
      atAll = await crowd.everybody();
      changesForward = crowd.seen.changes.length;
      const { code, stderr } = await cutover(stack, ["rollback", "frontend"]);
      assert.equal(code, 0, stderr);
      rolledBack = await crowd.everybody();
    });
    const { requests, failed, changes, cookiesSet } = seen;
    process.stdout.write(
      `    ${rolledBack.length} users, ${requests} requests, ${failed.length} failed, ${changes.length} changes of backend, ${unforced(changes).length} of them with the old one still weighted, ${cookiesSet} cookies set\n`,
    );
  });

  it("lose no request", () => assert.deepEqual(seen.failed.slice(0, 5), []));

  it("stay with their backend for as long as it has any weight", () => {
    assert.deepEqual(unforced(seen.changes).slice(0, 5), []);
  });

  it("are with all who came before on legacy, and with those who came later as the weights say, at 50 %", () => {
    assert.equal(onTheWay.length, 10_000);
    assert.equal(count(onTheWay.slice(0, users.before), "blue"), 0);
    assertShare(newAtTenth, 0.1);
    assertShare(newAtHalf, 0.5);
    assert.equal(count(onTheWay, "blue"), count(newAtTenth, "blue") + count(newAtHalf, "blue"));
  });

  it("move once, when their backend has lost all: those of legacy at 100 % blue, and all by the rollback", () => {
    assert.equal(count(atAll, "blue"), 10_000);
    assert.equal(count(rolledBack, "legacy"), 10_000);
    assert.equal(changesForward, count(onTheWay, "legacy"));
    assert.equal(seen.changes.length, changesForward + 10_000);
  });

  it("don't keep from the candidate who asks for it by header, and are given no cookie for that", async () => {
    const headers = {
      cookie: `${backendCookie}=legacy`,
      [backendHeader]: "blue",
      host: "frontend.localhost",
    };
    const answer = await ask(new URL(`http://${gatewayAddress}/`), { headers });
    assert.equal(answer.headers[backendHeader], "blue");
    assert.equal(answer.headers["set-cookie"], undefined);
  });

  it("are given a cookie when the weights choose for them, and never again", () => {
    assert.equal(seen.cookiesSet, 10_000 + seen.changes.length);
  });
});

async function move(stack: LocalStack, to: Parameters<typeof commitSplit>[2]): Promise<void> {
  await commitSplit(stack, "frontend", to);
  succeeded(await stack.up());
}

function count(users: Whereabouts, backend: Backend): number {
  return users.filter((each) => each === backend).length;
}

function assertShare(newcomers: Whereabouts, share: number): void {
  const { low, high } = binomialInterval(newcomers.length, share, 0.999);
  const onBlue = count(newcomers, "blue");
  assert.ok(
    low <= onBlue && onBlue <= high,
    `${onBlue} of ${newcomers.length} on blue, expected ${low} to ${high}`,
  );
}
