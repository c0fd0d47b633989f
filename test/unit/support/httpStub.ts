import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { TLSSocket } from "node:tls";

/** A request that a stub got. */
export interface Asked {
  readonly method: string;
  /** As the client named it: `198.18.0.1:9107`. */
  readonly host: string;
  /** With its query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The common name of the client's certificate, if it showed one. */
  readonly clientName?: string;
}

export interface Reply {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string as it is, anything else as JSON. @default empty */
  readonly body?: unknown;
}

/** @returns undefined for a 404 */
export type Answerer = (asked: Asked) => Reply | undefined;

/** A real HTTP or HTTPS server on a free port of 127.0.0.1, and what it was asked. */
export interface HttpStub {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export async function startHttpStub(answer: Answerer, tls?: https.ServerOptions): Promise<HttpStub> {
  const log: Asked[] = [];
  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const chunks: Buffer[] = [];
    // A connection that is kept would look like work that goes on.
    response.setHeader("connection", "close");
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const asked = describe(request, Buffer.concat(chunks).toString("utf8"));
      log.push(asked);
      const { status = 200, headers = {}, body = "" } = answer(asked) ?? { status: 404 };
      response.writeHead(status, headers);
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  };
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no TCP address");
  const address = `127.0.0.1:${bound.port}`;
  return {
    port: bound.port,
    address,
    origin: `${tls ? "https" : "http"}://${address}`,
    asked: log,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function describe(request: http.IncomingMessage, body: string): Asked {
  const { method = "", headers, url = "", socket } = request;
  // Without a certificate the subject is missing, whatever the types say.
  const subject: { CN?: string | string[] } | undefined =
    socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
  return {
    method,
    host: headers.host ?? "",
    path: url,
    headers,
    body,
    ...(subject?.CN !== undefined && { clientName: String(subject.CN) }),
  };
}
