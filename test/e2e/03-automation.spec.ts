import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalStack } from "../../local/localStack";
import { run } from "../../tools/child";
import { commitSplit, split, stackOnLegacy, succeeded, tools } from "./world";

const queue = "automation";

describe("automation, which consumes a queue", () => {
  let stack: LocalStack;
  let redis: (...args: string[]) => Promise<string>;

  before(async () => {
    stack = await stackOnLegacy("automation");
    const cli = (await tools()).path("redis-cli");
    redis = async (...args) => (await run(cli, args)).trim();
    await redis("DEL", queue, `${queue}:done`);
  });

  it("has exactly one consumer throughout a cutover and its revert, and each message is taken once", async () => {
    const watch = new ConsumerWatch(redis);
    const producer = new Producer(redis);
    const running = Promise.all([watch.run(), producer.run()]);
    try {
      assert.deepEqual(await consumers(redis), ["automation/legacy"]);
      await commitSplit(stack, "automation", split("legacy 50 / blue 50"));
      succeeded(await stack.up());
      assert.deepEqual(await settledConsumers(redis), ["automation/legacy"]);
      await commitSplit(stack, "automation", split("blue 100"));
      succeeded(await stack.up());
      assert.deepEqual(await settledConsumers(redis), ["automation/blue"]);
      await stack.revert(2);
      succeeded(await stack.up());
      assert.deepEqual(await settledConsumers(redis), ["automation/legacy"]);
    } finally {
      watch.stop();
      producer.stop();
      await running;
    }
    assert.ok(watch.looks > 100, `${watch.looks} looks`);
    assert.deepEqual(watch.crowds, []);
    await sleep(2000);
    const taken = (await redis("LRANGE", `${queue}:done`, "0", "-1")).split("\n");
    const numbers = taken.map((line) => Number(line.split(" ")[0])).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: producer.sent }, (_, index) => index),
    );
    assert.deepEqual([...new Set(taken.map((line) => line.split(" ")[1]))].sort(), [
      "automation/blue",
      "automation/legacy",
    ]);
  });
});

type Redis = (...args: string[]) => Promise<string>;

async function consumers(redis: Redis): Promise<string[]> {
  return [...(await redis("CLIENT", "LIST")).matchAll(/ name=(automation\/\S+)/g)].map(
    ([, name = ""]) => name,
  );
}

/** A consumer that was started needs a moment to connect. */
async function settledConsumers(redis: Redis): Promise<string[]> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const found = await consumers(redis);
    if (found.length > 0) return found;
    await sleep(200);
  }
  return [];
}

/** Looks who consumes, as often as it can, and remembers every moment with more than one. */
class ConsumerWatch {
  looks = 0;
  readonly crowds: string[][] = [];
  private stopped = false;

  constructor(private readonly redis: Redis) {}

  async run(): Promise<void> {
    while (!this.stopped) {
      const found = await consumers(this.redis);
      this.looks += 1;
      if (found.length > 1) this.crowds.push(found);
      await sleep(20);
    }
  }

  stop(): void {
    this.stopped = true;
  }
}

/** Numbered messages, some twenty a second. */
class Producer {
  sent = 0;
  private stopped = false;

  constructor(private readonly redis: Redis) {}

  async run(): Promise<void> {
    while (!this.stopped) {
      await this.redis("RPUSH", queue, String(this.sent));
      this.sent += 1;
      await sleep(50);
    }
  }

  stop(): void {
    this.stopped = true;
  }
}
