import { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { credentialsName, serviceName } from "../database/instance";
import { writeAtomically } from "../cutover/atomicWrite";
import { gateway } from "./platform/gateway";
import { databaseFile, databaseService } from "./platform/legacy";

const secretSchema = z.object({
  data: z.object({ PGPORT: z.string(), PGDATABASE: z.string(), PGUSER: z.string(), PGPASSWORD: z.string() }),
});
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) });

/**
 * Tells a target's legacy where its database is and who it is there: its process is outside the cluster, and knows no name
 * of a Service. It counts for the next request; nothing is restarted.
 */
export async function giveLegacyItsDatabase(
  api: KubeApi,
  target: RoutedTargetName,
  file = databaseFile(target),
): Promise<void> {
  const [secret, service] = await Promise.all([
    get(api, "secrets", credentialsName(target, "legacy"), secretSchema),
    get(api, "services", serviceName(target), serviceSchema),
  ]);
  const value = (key: keyof typeof secret.data): string =>
    Buffer.from(secret.data[key], "base64").toString("utf8");
  const lines = [
    `[${databaseService}]`,
    `host=${service.spec.clusterIP}`,
    `port=${value("PGPORT")}`,
    `dbname=${value("PGDATABASE")}`,
    `user=${value("PGUSER")}`,
    `password=${value("PGPASSWORD")}`,
  ];
  writeAtomically(file, `${lines.join("\n")}\n`, 0o600);
}

async function get<T>(api: KubeApi, kind: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const { status, body } = await api.ask(`/api/v1/namespaces/${gateway.namespace}/${kind}/${name}`);
  if (status !== 200) throw new Error(`${kind}/${name}: found status ${status}, expected 200`);
  return schema.parse(JSON.parse(body));
}
