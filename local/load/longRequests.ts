import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { backendHeader } from "../../cluster/names";
import type { Backend } from "../../migration";
import { backendNamed } from "./shot";

const seconds = 5;
const timeoutMs = 15_000;

/** The two long answers: one that is silent until its end, one whose head comes at once and whose body comes late. */
const paths = { slow: `/delay/${seconds}`, streamed: `/chunked/${seconds}` } as const;

export type LongRequestKind = keyof typeof paths;

/** What became of one long request. */
export interface LongAnswer {
  readonly kind: LongRequestKind;
  readonly target: string;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  readonly durationMs: number;
  /** 0 when no answer began. */
  readonly status: number;
  readonly bytes: number;
  /** False when the answer was cut off, or never began. */
  readonly complete: boolean;
  /** Empty when complete. */
  readonly error: string;
  readonly backend: Backend | undefined;
}

export interface LongRequests {
  /** Resolves when both requests have left on their connections: only then are they in flight. */
  readonly sent: Promise<void>;
  /** One answer of each kind. Never rejects: a request without an answer is a result too. */
  readonly finished: Promise<LongAnswer[]>;
}

/** True unless a named backend gave the whole answer, with a 2xx. */
export function longAnswerFailed(answer: LongAnswer): boolean {
  return !answer.complete || answer.status < 200 || answer.status > 299 || answer.backend === undefined;
}

/** Sends one slow and one streamed request of 5 s each to `<target>.localhost` at `gateway` (`HOST:PORT`). */
export function startLongRequests(options: { gateway: string; target: string }): LongRequests {
  const agent = new Agent({ keepAlive: true });
  const kinds: LongRequestKind[] = ["slow", "streamed"];
  const started = kinds.map((kind) => start(kind, options.gateway, options.target, agent));
  return {
    sent: Promise.all(started.map((one) => one.sent)).then(() => undefined),
    finished: Promise.all(started.map((one) => one.finished)).finally(() => agent.destroy()),
  };
}

function start(kind: LongRequestKind, gateway: string, target: string, agent: Agent) {
  const sentAt = performance.timeOrigin + performance.now();
  const outgoing = request(`http://${gateway}${paths[kind]}`, {
    agent,
    headers: { host: `${target}.localhost` },
    signal: AbortSignal.timeout(timeoutMs),
  });
  const response = once(outgoing, "response").then(([answer]: IncomingMessage[]) => answer);
  const sent = new Promise<void>((resolve) =>
    outgoing.once("finish", resolve).once("error", () => resolve()),
  );
  outgoing.end();

  const finish = async (): Promise<LongAnswer> => {
    const read = { status: 0, bytes: 0, complete: false, error: "", backend: backendNamed(undefined) };
    try {
      const answer = await response;
      if (answer === undefined) throw new Error("no answer");
      read.status = answer.statusCode ?? 0;
      read.backend = backendNamed(answer.headers[backendHeader]?.toString());
      answer.on("data", (chunk: Buffer) => (read.bytes += chunk.length));
      await finished(answer);
      read.complete = answer.complete;
    } catch (error) {
      read.error = error instanceof Error ? error.message : String(error);
    }
    const durationMs = performance.timeOrigin + performance.now() - sentAt;
    return { kind, target, sentAt, durationMs, ...read };
  };
  return { sent, finished: finish() };
}
