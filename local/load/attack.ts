import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { hasFailed, receivedAt } from "./shot";
import type { Shot } from "./shot";
import { shotOf } from "./vegetaResult";

/** Hard bounds of one attack: more is refused, not cut down. */
export const attackLimits = { ratePerSecond: 1000, seconds: 1800, requests: 600_000 } as const;

/** A request that takes longer has failed. */
const timeoutSeconds = 15;
/** Fewer than Envoy's default limit of 1024 pending requests, so that a stall shows as latency, not as 503s. */
const maxConnections = 256;
const maxWorkers = 1000;

export interface AttackOptions {
  /** Absolute path of the vegeta binary. */
  readonly vegeta: string;
  /** `127.0.0.1:PORT`; load goes nowhere else. */
  readonly gateway: string;
  /** Asked in turn, each as host `<target>.localhost`. */
  readonly targets: readonly string[];
  /** Requests per second over all targets together. */
  readonly ratePerSecond: number;
  /** Sending ends by itself after this long. */
  readonly maxSeconds: number;
  /** Called for each answer within milliseconds of its arrival, in order of arrival. */
  readonly onShot: (shot: Shot) => void;
  /** Answer header that names who answered. @default x-pyairtable-backend */
  readonly backendHeader?: string;
  /** Ends the attack at once, requests in flight included. */
  readonly signal?: AbortSignal;
}

export interface AttackSummary {
  readonly requests: number;
  readonly failed: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Realised. Well below the wanted rate the load was not open-loop: the machine or the bounds held it back. */
  readonly ratePerSecond: number;
}

export interface Attack {
  /** Resolves when the time is up or the attack was stopped; rejects when vegeta failed or on abort. */
  readonly finished: Promise<AttackSummary>;
  /** Sends no more, waits for the answers in flight (15 s at most), returns what `finished` does. */
  stop(): Promise<AttackSummary>;
}

/**
 * Starts HTTP load at a constant rate that doesn't wait for answers (open loop), with keep-alive and no retries.
 * Throws a RangeError when the options are out of bounds.
 */
export function startAttack(options: AttackOptions): Attack {
  refuseOutOfBounds(options);
  // Own process groups: a Ctrl-C in the terminal reaches only this process, which then stops them in order. Should
  // this process die instead, each of them gets a broken pipe with the next answer and ends.
  const processOptions = { detached: true, env: { GOMAXPROCS: "2" } };
  const attacker = spawn(options.vegeta, attackArguments(options), {
    ...processOptions,
    stdio: ["pipe", "pipe", "pipe"],
  });
  attacker.stdin.on("error", ignore).end(requestsOf(options));
  // The encoder writes a line per result, unbuffered, as vegeta's own format can't be read here.
  const encoder = spawn(options.vegeta, ["encode", "--to", "json"], {
    ...processOptions,
    stdio: [attacker.stdout, "pipe", "pipe"],
  });
  // Only the encoder may hold the reading end, or the attacker would never see it close.
  attacker.stdout.destroy();

  const kill = () => {
    attacker.kill("SIGKILL");
    encoder.kill("SIGKILL");
  };
  const tally = new Tally();
  let stopping = false;

  const finish = async (): Promise<AttackSummary> => {
    const overdue = setTimeout(kill, (options.maxSeconds + timeoutSeconds + 5) * 1000);
    process.once("exit", kill);
    options.signal?.addEventListener("abort", kill, { once: true });
    try {
      const [attackError, encodeError] = await Promise.all([
        failureOf(attacker, attacker.stderr),
        failureOf(encoder, encoder.stderr),
        eachLine(encoder.stdout, (line) => {
          const shot = shotOf(line, options.backendHeader);
          tally.add(shot);
          options.onShot(shot);
        }),
      ]);
      options.signal?.throwIfAborted();
      // Stopped before its first answer, vegeta has no stream to end or to encode.
      const endedEmpty = stopping && tally.requests === 0;
      const error = attackError ?? encodeError;
      if (error !== undefined && !endedEmpty) throw new Error(`the load ended early: vegeta ${error}`);
      return tally.summary();
    } finally {
      kill();
      clearTimeout(overdue);
      process.removeListener("exit", kill);
      options.signal?.removeEventListener("abort", kill);
    }
  };

  if (options.signal?.aborted === true) kill();
  const finished = finish();
  // The caller may look at the outcome only when it stops the attack.
  finished.catch(ignore);
  return {
    finished,
    stop: async () => {
      stopping = true;
      attacker.kill("SIGINT");
      const grace = new AbortController();
      const overdue = sleep((timeoutSeconds + 1) * 1000, undefined, { signal: grace.signal }).then(
        kill,
        ignore,
      );
      try {
        return await finished;
      } finally {
        grace.abort();
        await overdue;
      }
    },
  };
}

function refuseOutOfBounds({ gateway, targets, ratePerSecond, maxSeconds }: AttackOptions): void {
  const refuse = (what: string, found: string | number, expected: string) => {
    throw new RangeError(`${what}: found ${found}, expected ${expected}`);
  };
  const bounded = (what: string, found: number, max: number) => {
    if (!(Number.isInteger(found) && found >= 1 && found <= max)) {
      refuse(what, found, `a whole number from 1 to ${max}`);
    }
  };
  if (!/^127\.0\.0\.1:\d+$/.test(gateway)) refuse("gateway", gateway, "127.0.0.1:PORT");
  if (targets.length === 0) refuse("targets", "none", "at least one");
  for (const target of targets) {
    if (!/^[a-z0-9-]+$/.test(target)) refuse("targets", target, "lower-case letters, digits and hyphens");
  }
  bounded("ratePerSecond", ratePerSecond, attackLimits.ratePerSecond);
  bounded("maxSeconds", maxSeconds, attackLimits.seconds);
  bounded("ratePerSecond × maxSeconds", ratePerSecond * maxSeconds, attackLimits.requests);
}

function attackArguments({ ratePerSecond, maxSeconds }: AttackOptions): string[] {
  const flags = {
    format: "json",
    rate: `${ratePerSecond}/s`,
    duration: `${maxSeconds}s`,
    timeout: `${timeoutSeconds}s`,
    connections: maxConnections,
    "max-connections": maxConnections,
    "max-workers": maxWorkers,
    redirects: -1, // a redirect is an answer: not followed, and failed for not being a 2xx
    "max-body": 0, // read to its end, but not kept
    "prometheus-addr": "", // by default it would listen on every interface
  };
  return ["attack", ...Object.entries(flags).map(([name, value]) => `-${name}=${value}`)];
}

/**
 * One request per target, as vegeta reads them. A POST, because Go's client repeats a GET by itself when a kept
 * connection breaks, which would hide just the loss that this load is to find. The fragment isn't sent.
 */
function requestsOf({ gateway, targets }: AttackOptions): string {
  return targets
    .map((target) =>
      JSON.stringify({
        method: "POST",
        url: `http://${gateway}/echo#${target}`,
        header: { Host: [`${target}.localhost`] },
        body: Buffer.from("ping").toString("base64"),
      }),
    )
    .join("\n")
    .concat("\n");
}

async function eachLine(stream: Readable, handle: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) handle(line);
}

/** How a process failed, undefined when it ended well. */
async function failureOf(child: ChildProcess, stderr: Readable): Promise<string | undefined> {
  try {
    const [said] = await Promise.all([text(stderr), once(child, "exit")]);
    if (child.exitCode === 0) return undefined;
    return `ended with ${child.signalCode ?? `code ${child.exitCode ?? "unknown"}`}: ${said.trim()}`;
  } catch (error) {
    return `could not be run: ${String(error)}`;
  }
}

class Tally {
  requests = 0;
  private failed = 0;
  private firstSent = Infinity;
  private lastSent = -Infinity;
  private lastReceived = -Infinity;

  add(shot: Shot): void {
    this.requests += 1;
    if (hasFailed(shot)) this.failed += 1;
    this.firstSent = Math.min(this.firstSent, shot.sentAt);
    this.lastSent = Math.max(this.lastSent, shot.sentAt);
    this.lastReceived = Math.max(this.lastReceived, receivedAt(shot));
  }

  summary(): AttackSummary {
    if (this.requests === 0) return { requests: 0, failed: 0, seconds: 0, ratePerSecond: 0 };
    const sendingSeconds = (this.lastSent - this.firstSent) / 1000;
    return {
      requests: this.requests,
      failed: this.failed,
      seconds: (this.lastReceived - this.firstSent) / 1000,
      ratePerSecond: sendingSeconds === 0 ? 0 : (this.requests - 1) / sendingSeconds,
    };
  }
}

function ignore(): void {
  // Said elsewhere: by `finished`.
}
