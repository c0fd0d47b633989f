import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A real HTTP server that stands where the gateway does, and what was asked of it. */
export interface StubGateway {
  readonly address: string;
  readonly hosts: string[];
  readonly connections: Set<Socket>;
  close(): Promise<void>;
}

/** Serves with `answer`, on a free port of 127.0.0.1. */
export async function startStubGateway(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void,
): Promise<StubGateway> {
  const hosts: string[] = [];
  const connections = new Set<Socket>();
  const server = createServer((request, response) => {
    hosts.push(request.headers.host ?? "");
    request.resume();
    answer(request, response, hosts.length);
  });
  server.on("connection", (socket) => connections.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    address: `127.0.0.1:${address.port}`,
    hosts,
    connections,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A whole answer, signed as by the gateway. */
export function answerFrom(response: ServerResponse, backend: string, status = 200): void {
  response.writeHead(status, { "x-pyairtable-backend": backend, "x-pyairtable-route": "hash-1" });
  response.end("pong");
}
