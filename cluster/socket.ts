import { once } from "node:events";
import { WebSocket } from "ws";
import type { KubeApi } from "./kubeApi";

/**
 * Opens a WebSocket at a path of the API server, for what talks `protocol` there. It is paused: whoever listens resumes it.
 * @throws UnreachableError
 */
export async function openSocket(
  api: KubeApi,
  path: string,
  protocol: string,
  signal?: AbortSignal,
): Promise<WebSocket> {
  signal?.throwIfAborted();
  const { url, options } = api.wayTo(path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, protocol, { ...options, handshakeTimeout: 10_000 });
  // What comes with the very answer waits too.
  socket.once("open", () => socket.pause());
  try {
    await once(socket, "open", signal && { signal });
    return socket;
  } catch (error) {
    socket.on("error", () => {}).terminate();
    signal?.throwIfAborted();
    throw api.unreachable(error);
  }
}
