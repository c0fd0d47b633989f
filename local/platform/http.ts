import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { certificateFile, keyFile } from "./certificates";

/** Throws unless the address answers with a 2xx within two seconds. */
export async function expectOk(url: string, options: { readonly as?: "admin" } = {}): Promise<void> {
  const status = await new Promise<number>((resolve, reject) => {
    const secure = options.as
      ? {
          ca: fs.readFileSync(certificateFile("ca")),
          cert: fs.readFileSync(certificateFile("admin")),
          key: fs.readFileSync(keyFile("admin")),
        }
      : { rejectUnauthorized: false };
    const request = (url.startsWith("https:") ? https : http).get(
      url,
      { agent: false, timeout: 2000, ...secure },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    request.on("timeout", () => request.destroy(new Error(`${url}: no answer within 2 s`)));
    request.on("error", reject);
  });
  if (status < 200 || status > 299) throw new Error(`${url}: found status ${status}, expected 2xx`);
}
