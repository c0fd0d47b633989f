import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { RoutedTargetName } from "../catalog";
import { type DatabaseRole, roleName } from "./roles";

/** The user that an instance is made with, and that all others are made by. */
export const adminUser = "postgres";

/** What a role is called by PostgreSQL. */
export function userOf(target: RoutedTargetName, role: DatabaseRole | "admin"): string {
  return role === "admin" ? adminUser : roleName(target, role);
}

/**
 * The password of a role: nobody who knows one learns another, nor the secret, and the same secret gives the same
 * passwords wherever it is asked.
 */
export function passwordOf(secret: string, target: RoutedTargetName, role: DatabaseRole | "admin"): string {
  return createHmac("sha256", secret).update(`${target}/${role}`).digest("hex");
}

/** As PostgreSQL's own default. */
const iterations = 4096;

/**
 * What PostgreSQL keeps of a password (RFC 5803), and takes in its place: whoever reads the statement, in a log or a
 * statistic, can't connect with it. The same for the same password, so that a statement is the same too.
 */
export function verifierOf(password: string): string {
  const salt = createHash("sha256").update(`salt of ${password}`).digest().subarray(0, 16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest();
  const text = (bytes: Buffer): string => bytes.toString("base64");
  return `SCRAM-SHA-256$${iterations}:${text(salt)}$${text(stored)}:${text(hmac(salted, "Server Key"))}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
