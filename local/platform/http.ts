import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { ask } from "../../cluster/kubeApi";
import { certificateFile, keyFile } from "./certificates";

/** Throws unless the address answers with a 2xx within two seconds. */
export async function expectOk(url: string, options: { readonly as?: "admin" } = {}): Promise<void> {
  const tls = options.as
    ? {
        ca: fs.readFileSync(certificateFile("ca")),
        cert: fs.readFileSync(certificateFile("admin")),
        key: fs.readFileSync(keyFile("admin")),
      }
    : { rejectUnauthorized: false };
  const { status } = await ask(new URL(url), { timeoutSeconds: 2, tls });
  if (status < 200 || status > 299) throw new Error(`${url}: found status ${status}, expected 2xx`);
}

/** Throws unless something listens there. */
export async function expectOpen(address: string, port: number): Promise<void> {
  const socket = net.connect(port, address);
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}
