import { setTimeout as sleep } from "node:timers/promises";
import { backendHeader, hostnameOf, routeHeader } from "../../cluster/names";
import { backendNamed } from "../../local/load/shot";
import { type Backend, type Split, splitHash } from "../../migration";
import { type Ask, withClients } from "../e2e/clients";

const connections = 32;
const ratePerSecond = 1600;

/** A user who was answered by another backend than before. */
export interface Change {
  readonly from: Backend;
  readonly to: Backend;
  /** By which the answer was routed; undefined for one that was never wanted. */
  readonly split: Split | undefined;
}

/** What happened to all users. */
export interface Seen {
  requests: number;
  readonly failed: string[];
  readonly changes: Change[];
  cookiesSet: number;
}

/** Who is where. */
export type Whereabouts = readonly (Backend | undefined)[];

/** Users of the frontend, each with a browser's cookies. */
export interface Crowd {
  /** So far. */
  readonly seen: Seen;
  /** Lets more users come. @returns where they are, once they and all others have asked again */
  readonly join: (users: number) => Promise<Whereabouts>;
  /** Where all are, once all have asked again. */
  readonly everybody: () => Promise<Whereabouts>;
}

/** Lets users ask the frontend, one after the other and again, while `work` goes on. @param splits all that they may meet */
export async function withCrowd(
  splits: readonly Split[],
  work: (crowd: Crowd) => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { requests: 0, failed: [], changes: [], cookiesSet: 0 };
  const byHash = new Map(splits.map((split) => [splitHash("frontend", split), split]));
  const users: User[] = [];
  const everybody = async (): Promise<Whereabouts> => {
    const since = Date.now();
    while (users.some(({ askedAt }) => askedAt <= since)) await sleep(50);
    return users.map(({ backend }) => backend);
  };
  const join = async (count: number): Promise<Whereabouts> => {
    const before = users.length;
    for (let n = 0; n < count; n += 1) users.push(newUser(`user-${before + n}`));
    return (await everybody()).slice(before);
  };
  const turn = async (ask: Ask, connection: number, number: number): Promise<void> => {
    // A user's requests follow each other: always on the same connection.
    const share = Math.ceil((users.length - connection) / connections);
    const user = users[connection + (number % share) * connections];
    if (user !== undefined) await visit(user, ask, seen, byHash);
  };
  await withClients({ connections, ratePerSecond, turn }, () => work({ seen, join, everybody }));
  return seen;
}

/** Whoever changed although the backend that answered before still had weight. */
export function unforced(changes: readonly Change[]): Change[] {
  return changes.filter(({ from, split }) => split === undefined || split[from] > 0);
}

interface User {
  readonly cookies: Map<string, string>;
  backend?: Backend;
  /** When the latest request that was answered was sent, in epoch milliseconds. */
  askedAt: number;
}

function newUser(session: string): User {
  return { cookies: new Map([["pyairtable-session", session]]), askedAt: 0 };
}

async function visit(user: User, ask: Ask, seen: Seen, byHash: ReadonlyMap<string, Split>): Promise<void> {
  const sentAt = Date.now();
  const cookie = [...user.cookies].map((pair) => pair.join("=")).join("; ");
  const { status, headers, body } = await ask("/", { host: hostnameOf("frontend", "localhost"), cookie });
  seen.requests += 1;
  const backend = backendNamed(String(headers[backendHeader]));
  if (status !== 200 || backend === undefined) {
    seen.failed.push(`status ${status}: ${body.slice(0, 200)}`);
    return;
  }
  for (const set of [headers["set-cookie"] ?? []].flat()) {
    seen.cookiesSet += 1;
    const [name = "", value = ""] = set.split(";")[0]?.split("=") ?? [];
    user.cookies.set(name, value);
  }
  if (user.backend !== undefined && user.backend !== backend) {
    const split = byHash.get(String(headers[routeHeader]));
    seen.changes.push({ from: user.backend, to: backend, split });
  }
  user.backend = backend;
  user.askedAt = sentAt;
}
