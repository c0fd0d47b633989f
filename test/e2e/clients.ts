import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { gatewayAddress } from "../../local/platform/gateway";

/** What a client got; a status of 0 when there was no whole answer. */
export interface ClientAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface ClientsOptions {
  /** Connections, which are kept; each has one request in flight at most. */
  readonly connections: number;
  /** Over all connections together. */
  readonly ratePerSecond: number;
  /** One request and what is learnt from it; `turn` counts from 0 on each connection. */
  readonly turn: (ask: Ask, connection: number, turn: number) => Promise<void>;
}

export type Ask = (path: string, headers: Readonly<Record<string, string>>) => Promise<ClientAnswer>;

/** Clients that keep asking the gateway for as long as `work` takes: unlike a load's requests, each knows its last answer. */
export async function withClients<T>(options: ClientsOptions, work: () => Promise<T>): Promise<T> {
  const { connections, ratePerSecond, turn } = options;
  const pool = new Pool(`http://${gatewayAddress}`, { connections, pipelining: 1 });
  const ask: Ask = async (path, headers) => {
    try {
      const answer = await pool.request({ path, method: "GET", headers });
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
    } catch (error) {
      return { status: 0, headers: {}, body: String(error) };
    }
  };
  const millisecondsPerTurn = (1000 * connections) / ratePerSecond;
  let isOver = false;
  const running = Array.from({ length: connections }, async (_, connection) => {
    const started = Date.now() + (millisecondsPerTurn * connection) / connections;
    for (let number = 0; !isOver; number += 1) {
      await sleep(started + number * millisecondsPerTurn - Date.now());
      await turn(ask, connection, number);
    }
  });
  const failure = new Promise<never>((_, reject) => {
    Promise.all(running).catch(reject);
  });
  try {
    return await Promise.race([work(), failure]);
  } finally {
    isOver = true;
    await Promise.allSettled(running);
    await pool.close();
  }
}
