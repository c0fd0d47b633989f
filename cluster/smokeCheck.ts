import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTarget, SmokeCheck } from "../catalog";
import { backendName } from "./names";
import type { Backend } from "../migration";
import { type Answer, type KubeApi, type Question, ask } from "./kubeApi";
import { reason } from "./thrown";

/** What a smoke check asks: one backend itself, not the gateway. */
export interface SmokeCheckArgs {
  readonly target: RoutedTarget;
  readonly backend: Backend;
  readonly namespace: string;
  /** Where the monorepo's container is reached. */
  readonly legacyHost: string;
}

/** A backend that has just become ready may still refuse a first call. */
const attempts = 5;
const secondsBetween = 1;

/** Runs a target's smoke checks against one backend. @throws Error that lists every check that failed */
export async function smokeCheck(api: KubeApi, args: SmokeCheckArgs): Promise<void> {
  const { target, backend } = args;
  const results = await Promise.all(target.smokeChecks.map((check) => runCheck(caller(api, args), check)));
  const failures = results.filter((result) => result !== undefined);
  if (failures.length > 0) {
    throw new Error(
      `pyairtable:${target.name}: ${backend} failed its smoke check; no traffic was moved to it:\n${failures.map((line) => `  ${line}`).join("\n")}`,
    );
  }
}

type Caller = (path: string, question: Question) => Promise<Answer>;

/** A colour is asked through the API server, which reaches it from anywhere that the update runs. */
function caller(api: KubeApi, { target, backend, namespace, legacyHost }: SmokeCheckArgs): Caller {
  if (backend === "legacy") {
    return (path, question) => ask(new URL(path, `http://${legacyHost}:${target.legacyPort}`), question);
  }
  const service = `/api/v1/namespaces/${namespace}/services/http:${backendName(target.name, backend)}:http/proxy`;
  return (path, question) => api.ask(`${service}${path}`, question);
}

/** @returns what is wrong, or undefined */
async function runCheck(call: Caller, check: SmokeCheck): Promise<string | undefined> {
  let problem: string | undefined;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    problem = await attemptCheck(call, check);
    if (problem === undefined) return undefined;
    if (attempt < attempts) await sleep(secondsBetween * 1000);
  }
  return `${check.name}: ${problem ?? ""}`;
}

async function attemptCheck(call: Caller, { request, expect }: SmokeCheck): Promise<string | undefined> {
  try {
    const answer = await call(request.path, { method: request.method, body: request.body });
    if (answer.status !== expect.status) return `found status ${answer.status}, expected ${expect.status}`;
    if (expect.jsonArray === undefined) return undefined;
    const { pointer, length } = expect.jsonArray;
    const found = atPointer(JSON.parse(answer.body), pointer);
    if (!Array.isArray(found)) return `found no list at ${pointer}, expected one of ${length}`;
    return found.length === length ? undefined : `found ${found.length} at ${pointer}, expected ${length}`;
  } catch (error) {
    return reason(error);
  }
}

function atPointer(document: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (value, key) =>
        typeof value === "object" && value !== null
          ? Object.entries(value).find(([name]) => name === key)?.[1]
          : undefined,
      document,
    );
}
