import { createHmac } from "node:crypto";
import { z } from "zod";

/** A user's token as podinfo makes them, of an hour's life instead of its minute. */
export function userToken(key: string, expires = new Date(Date.now() + 3_600_000)): string {
  const claims = { name: "a user", exp: Math.floor(expires.getTime() / 1000), iss: "podinfo" };
  const content = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${content}.${signature(content, key)}`;
}

export function isSignedWith(token: string, key: string): boolean {
  const end = token.lastIndexOf(".");
  return token.slice(end + 1) === signature(token.slice(0, end), key);
}

function signature(content: string, key: string): string {
  return createHmac("sha256", key).update(content).digest("base64url");
}

/** Whether a service's answer takes a token for valid: podinfo refuses one with a 200, too, and says so in the body. */
export function isAccepted({ status, body }: { readonly status: number; readonly body: string }): boolean {
  if (status !== 200) return false;
  return acceptedSchema.safeParse(JSON.parse(body)).success;
}

const acceptedSchema = z.object({ token_name: z.string(), expires_at: z.string() });
