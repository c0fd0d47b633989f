import fs from "node:fs";
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
