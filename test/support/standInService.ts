import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./registry";

/** A stand-in as a process of this machine, which may not answer yet. */
export interface StandInService {
  readonly process: ChildProcess;
  readonly origin: string;
}

/** @param environment where its database is */
export async function startStandIn(
  standin: string,
  {
    podinfo,
    backend,
    environment,
  }: {
    readonly podinfo: string | undefined;
    readonly backend: string;
    readonly environment: NodeJS.ProcessEnv;
  },
): Promise<StandInService> {
  const [port, inner] = [await freePort(), await freePort()];
  const process = spawn(standin, ["serve"], {
    env: {
      ...{ PODINFO: podinfo, HOST: "127.0.0.1", PORT: String(port), INNER_PORT: String(inner) },
      ...{ PYAIRTABLE_BACKEND: backend, DATABASE_POOL_SIZE: "2" },
      ...environment,
    },
    stdio: "ignore",
  });
  return { process, origin: `http://127.0.0.1:${port}` };
}

/** @throws what `isSo` throws last */
export async function waitUntil(isSo: () => Promise<void> | void, withinSeconds: number): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    try {
      await isSo();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
