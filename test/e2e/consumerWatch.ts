import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../tools/child";
import { tools } from "./world";

/** The list in redis that automation consumes. */
const queue = "automation";

/** Who consumes automation's queue, seen from the queue's side. */
export interface Consumers {
  /** Who consumes now, once anybody does: `["automation/legacy"]`. A consumer that was started needs a moment. */
  readonly settled: () => Promise<string[]>;
}

/**
 * Runs `work` while numbered messages are sent, some twenty a second, and fails if there were two consumers at any
 * moment, or if a message was taken never or twice. @returns who took any, sorted
 */
export async function withConsumersWatched(work: (consumers: Consumers) => Promise<void>): Promise<string[]> {
  const cli = (await tools()).path("redis-cli");
  const redis: Redis = async (...args) => (await run(cli, args)).trim();
  await redis("DEL", queue, `${queue}:done`);
  const watch = new ConsumerWatch(redis);
  const producer = new Producer(redis);
  const running = Promise.all([watch.run(), producer.run()]);
  try {
    await work({ settled: () => settledConsumers(redis) });
  } finally {
    watch.stop();
    producer.stop();
    await running;
  }
  assert.ok(watch.looks > 50, `${watch.looks} looks`);
  assert.deepEqual(watch.crowds, []);
  await sleep(2000);
  const taken = (await redis("LRANGE", `${queue}:done`, "0", "-1")).split("\n");
  const numbers = taken.map((line) => Number(line.split(" ")[0])).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    Array.from({ length: producer.sent }, (_, index) => index),
  );
  return [...new Set(taken.map((line) => line.split(" ")[1] ?? ""))].sort();
}

type Redis = (...args: string[]) => Promise<string>;

async function consumers(redis: Redis): Promise<string[]> {
  return [...(await redis("CLIENT", "LIST")).matchAll(/ name=(automation\/\S+)/g)].map(
    ([, name = ""]) => name,
  );
}

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
