import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { KubeApi } from "../../../cluster/kubeApi";

/** A kubeconfig with one cluster, user and context, all named `test`. */
export function kubeconfig(
  server: string,
  user: object = { token: "test-token" },
  cluster: object = {},
): object {
  return {
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, ...cluster } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    users: [{ name: "test", user }],
  };
}

/** Calls `use` while KUBECONFIG names a file with `content`, in a folder that is gone afterwards. */
export async function withKubeconfig<T>(
  content: object | string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubeconfig-"));
  const file = path.join(folder, "config");
  fs.writeFileSync(file, typeof content === "string" ? content : stringify(content));
  try {
    return await withEnvironment("KUBECONFIG", file, () => use(folder));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Calls `use` while the environment variable `name` is `value`. */
export async function withEnvironment<T>(name: string, value: string, use: () => Promise<T>): Promise<T> {
  const restore = setEnvironment(name, value);
  try {
    return await use();
  } finally {
    restore();
  }
}

/** Sets an environment variable, or unsets it without a value. @returns how to undo that */
export function setEnvironment(name: string, value: string | undefined): () => void {
  const before = process.env[name];
  const assign = (to: string | undefined): void => {
    if (to === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = to;
  };
  assign(value);
  return () => {
    assign(before);
  };
}

let connecting: Promise<unknown> = Promise.resolve();

/** One at a time: the environment is shared. */
export function connectTo(server: string): Promise<KubeApi> {
  const connected = connecting.then(() => withKubeconfig(kubeconfig(server), () => KubeApi.connect()));
  connecting = connected.catch(() => undefined);
  return connected;
}
