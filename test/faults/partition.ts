import { spawn } from "node:child_process";
import { once } from "node:events";

/** Inserted by one shell, which takes it away when whoever has started it is no more, however that ended. */
const script = (ports: readonly number[]): string => {
  const rule = (verb: string, port: number): string =>
    `iptables --wait ${verb} OUTPUT --out-interface lo --protocol tcp --dport ${port} --match comment --comment pyairtable-partition --jump DROP`;
  const all = (verb: string): string => ports.map((port) => rule(verb, port)).join(" && ");
  return `${all("--insert")} && echo cut; cat; ${ports.map((port) => rule("--delete", port)).join("; ")}`;
};

/**
 * Nothing that is sent to these ports of this machine arrives any more, on connections that are open as well: whoever
 * asks there hangs. @returns lets it through again
 */
export async function cutOff(...ports: readonly number[]): Promise<() => Promise<void>> {
  // Of its own process group: Ctrl-C at the terminal doesn't reach it, the closed pipe does.
  const child = spawn("sh", ["-c", script(ports)], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [said] = (await Promise.race([once(child.stdout, "data"), ended])) as unknown[];
  const heal = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  if (String(said).trim() === "cut") return heal;
  await heal();
  throw new Error(`ports ${ports.join()} can't be cut off`);
}
