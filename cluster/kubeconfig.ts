import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import { partitionOf } from "../config/partition";

/** Which cluster is meant, as a stack's config says. */
export interface WantedCluster {
  /** The kubeconfig's context. @default its current one; with `cluster` one that leads there */
  readonly kubeContext?: string | undefined;
  /** Where the context must lead. @default anywhere */
  readonly cluster?: { readonly eks: string } | undefined;
  /** Where that EKS cluster is. */
  readonly aws?: { readonly account: string; readonly region: string } | undefined;
}

/** How to reach a cluster's API server. */
export interface ClusterAccess {
  /** The kubeconfig's context, for messages. */
  readonly context: string;
  readonly server: URL;
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  readonly token?: string;
}

/** Nothing says which cluster is meant, or what says so can't be used. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

const text = z.string();
const kubeconfigSchema = z.object({
  "current-context": text.optional(),
  clusters: z.array(
    z.object({
      name: text,
      cluster: z.object({
        server: z.url(),
        "certificate-authority": text.optional(),
        "certificate-authority-data": text.optional(),
      }),
    }),
  ),
  contexts: z.array(z.object({ name: text, context: z.object({ cluster: text, user: text }) })),
  users: z.array(
    z.object({
      name: text,
      user: z.object({
        "client-certificate": text.optional(),
        "client-certificate-data": text.optional(),
        "client-key": text.optional(),
        "client-key-data": text.optional(),
        token: text.optional(),
        tokenFile: text.optional(),
        exec: z
          .object({
            apiVersion: text,
            command: text,
            args: z.array(text).nullish(),
            env: z.array(z.object({ name: text, value: text })).nullish(),
          })
          .optional(),
      }),
    }),
  ),
});

type Kubeconfig = z.infer<typeof kubeconfigSchema>;
type User = Kubeconfig["users"][number]["user"];
type Plugin = NonNullable<User["exec"]>;

/**
 * Reads the kubeconfig that the Kubernetes provider uses too: KUBECONFIG, else `~/.kube/config`.
 * @throws KubeconfigError when it is missing or malformed, or lacks the context, or that leads to another cluster
 */
export async function loadClusterAccess(wanted: WantedCluster = {}): Promise<ClusterAccess> {
  const file =
    process.env["KUBECONFIG"]?.split(path.delimiter).find(Boolean) ??
    path.join(os.homedir(), ".kube", "config");
  const kubeconfig = readKubeconfig(file);
  const contextName = contextOf(file, kubeconfig, wanted);
  const context = kubeconfig.contexts.find(({ name }) => name === contextName)?.context;
  const cluster = kubeconfig.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = kubeconfig.users.find(({ name }) => name === context?.user)?.user;
  if (contextName === undefined || cluster === undefined || user === undefined) {
    const known = kubeconfig.contexts.map(({ name }) => name).join(", ");
    throw new KubeconfigError(
      `${file}: found no complete context ${contextName ?? "(none is current)"}, expected one of: ${known}`,
    );
  }
  const read = (data: string | undefined, name: string | undefined): Buffer | undefined => {
    if (data !== undefined) return Buffer.from(data, "base64");
    return name === undefined ? undefined : readFile(path.resolve(path.dirname(file), name));
  };
  const ca = read(cluster["certificate-authority-data"], cluster["certificate-authority"]);
  return {
    context: contextName,
    server: new URL(cluster.server),
    ...(ca && { ca }),
    ...(user.exec ? await execCredential(user.exec) : fileCredential(user, read)),
  };
}

/** @throws KubeconfigError when none leads to the EKS cluster that is wanted */
function contextOf(
  file: string,
  kubeconfig: Kubeconfig,
  { kubeContext, cluster, aws }: WantedCluster,
): string | undefined {
  const current = kubeconfig["current-context"];
  if (cluster === undefined || aws === undefined) return kubeContext ?? current;
  const { account, region } = aws;
  // As the AWS CLI names the cluster's entry, whatever the context is called; a token for one is no good for another.
  const arn = `arn:${partitionOf(region)}:eks:${region}:${account}:cluster/${cluster.eks}`;
  const leadsTo = (name: string | undefined): string | undefined =>
    kubeconfig.contexts.find((each) => each.name === name)?.context.cluster;
  const found = [
    kubeContext ?? current,
    ...(kubeContext === undefined ? kubeconfig.contexts.map(({ name }) => name) : []),
  ].find((name) => leadsTo(name) === arn);
  if (found !== undefined) return found;
  const alias = kubeContext === undefined ? "" : ` --alias ${kubeContext}`;
  const what =
    kubeContext === undefined
      ? "found no context that leads to"
      : `found the context ${kubeContext} leading to ${leadsTo(kubeContext) ?? "nothing"}, expected`;
  throw new KubeconfigError(
    `${file}: ${what} ${arn}: aws eks update-kubeconfig --region ${region} --name ${cluster.eks}${alias} makes it; nothing was changed`,
  );
}

function readKubeconfig(file: string): Kubeconfig {
  if (!fs.existsSync(file)) {
    throw new KubeconfigError(`found no kubeconfig at ${file}, expected one there or where KUBECONFIG says`);
  }
  const parsed = kubeconfigSchema.safeParse(parseYaml(file, readFile(file).toString("utf8")));
  if (!parsed.success)
    throw new KubeconfigError(`${file} is no kubeconfig: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function parseYaml(file: string, content: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    throw new KubeconfigError(`${file} is no kubeconfig: ${String(error)}`);
  }
}

function readFile(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new KubeconfigError(
      `found nothing to read at ${file}, which the kubeconfig needs: ${String(error)}`,
    );
  }
}

type Credential = Pick<ClusterAccess, "certificate" | "key" | "token">;

function fileCredential(
  user: User,
  read: (data: string | undefined, name: string | undefined) => Buffer | undefined,
): Credential {
  const certificate = read(user["client-certificate-data"], user["client-certificate"]);
  const key = read(user["client-key-data"], user["client-key"]);
  const token = user.token ?? (user.tokenFile ? readFile(user.tokenFile).toString("utf8").trim() : undefined);
  return { ...(certificate && { certificate }), ...(key && { key }), ...(token !== undefined && { token }) };
}

const execCredentialSchema = z.object({
  status: z.object({
    token: text.optional(),
    clientCertificateData: text.optional(),
    clientKeyData: text.optional(),
  }),
});

/** Runs a credential plugin, as EKS needs one. */
async function execCredential(exec: Plugin): Promise<Credential> {
  const { token, clientCertificateData, clientKeyData } = await runPlugin(exec).catch((error: unknown) => {
    throw new KubeconfigError(
      `found no credential from the plugin ${exec.command}, expected it to print an ExecCredential: ${String(error)}`,
    );
  });
  return {
    ...(token !== undefined && { token }),
    ...(clientCertificateData !== undefined && { certificate: Buffer.from(clientCertificateData) }),
    ...(clientKeyData !== undefined && { key: Buffer.from(clientKeyData) }),
  };
}

async function runPlugin(exec: Plugin): Promise<z.infer<typeof execCredentialSchema>["status"]> {
  const { stdout } = await promisify(execFile)(exec.command, exec.args ?? [], {
    env: {
      ...process.env,
      ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify({
        apiVersion: exec.apiVersion,
        kind: "ExecCredential",
        spec: { interactive: false },
      }),
    },
  });
  return execCredentialSchema.parse(JSON.parse(stdout)).status;
}
