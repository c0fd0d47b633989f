import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { OnEnd } from "./figure";

/** In Prometheus' place: says `data` to whoever asks. */
export async function startPrometheus(data: object, onEnd: OnEnd): Promise<string> {
  const server = http.createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ status: "success", data }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onEnd(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
