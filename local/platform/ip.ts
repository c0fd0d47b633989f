import { execFileSync } from "node:child_process";

/** Runs iproute2 and returns what it printed. */
export function ipOutput(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export function ip(...args: string[]): void {
  ipOutput(...args);
}
