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
  const before = process.env[name];
  process.env[name] = value;
  try {
    return await use();
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before;
  }
}

export async function connectTo(server: string): Promise<KubeApi> {
  return withKubeconfig(kubeconfig(server), () => KubeApi.connect());
}
