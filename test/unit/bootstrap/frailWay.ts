import { once } from "node:events";
import http from "node:http";

/** A way to another server that breaks for good after some requests that change something. */
export interface FrailWay {
  readonly origin: string;
  close(): Promise<void>;
}

/** @param breaks whether the way breaks before this request, which is then not passed on */
export async function startFrailWay(
  origin: string,
  breaks: (request: http.IncomingMessage) => boolean,
): Promise<FrailWay> {
  let isBroken = false;
  const server = http.createServer((request, response) => {
    isBroken ||= breaks(request);
    if (isBroken) {
      // An answer, rather than silence, which clients would try to outwait.
      response.writeHead(400, { "content-type": "application/xml" });
      response.end("<Error><Code>WayIsBroken</Code><Message>the way is broken</Message></Error>");
      return;
    }
    const onward = http.request(
      new URL(request.url ?? "/", origin),
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
