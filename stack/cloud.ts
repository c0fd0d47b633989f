import { getCallerIdentity } from "@pulumi/aws/getCallerIdentity";
import { Provider } from "@pulumi/aws/provider";
import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { reason } from "../cluster/thrown";
import { BackupStore } from "../components/backupStore";
import { EdgeDns } from "../components/edgeDns";
import { ImageRegistry, type ImageRegistryArgs } from "../components/imageRegistry";
import { RdsPostgresql } from "../components/rdsPostgresql";
import { type BackupTarget, backupServiceAccount } from "../components/repositoryBackup";
import { withoutStack } from "../components/withoutStack";
import type { StackConfig } from "../config/parse";
import { recordSets } from "../edge/recordSets";

/** What the rest of the stack needs of it. */
export interface Cloud {
  /** Absent without backups. */
  readonly backups?: BackupTarget;
  /** The hosts of each target's instances; absent unless databases live there. */
  readonly databases?: ReadonlyMap<RoutedTargetName, RdsPostgresql["addresses"]>;
}

type Aws = NonNullable<StackConfig["platform"]["aws"]>;

export function awsProvider({ account, region }: Aws): Provider {
  return new Provider("aws", { region, allowedAccountIds: [account] });
}

/**
 * Another account's credentials are refused before anything changes. The engine by itself would hear of it no earlier
 * than at the first resource in AWS, and traffic may have moved by then.
 * @throws RunError
 */
export async function proveAccount(provider: Provider, { account }: Aws): Promise<void> {
  try {
    await getCallerIdentity({}, { provider });
  } catch (error) {
    const said = reason(error).replace(/^invocation of .* returned an error: /, "");
    const message = `pyairtable:platform.aws.account: found credentials that are refused (${said}), expected such of account ${account}; nothing was changed.`;
    throw withoutStack(new pulumi.RunError(message));
  }
}

/** Makes what a stack has in AWS. Loaded only where it has something there: the SDK takes its time. */
export function buildCloud(config: StackConfig, aws: Aws, provider: Provider): Cloud {
  buildRegistry(config, provider);
  buildDns(config, provider);
  return { ...buildBackups(config, aws, provider), ...buildDatabases(config, provider) };
}

function buildDatabases({ postgresql, platform, targets }: StackConfig, provider: Provider): Cloud {
  if (postgresql?.in !== "aws") return {};
  const { environment } = platform;
  const databases = routedTargets.flatMap((target) => {
    const { database } = targets[target];
    if (database === undefined) return [];
    const { instance, kept, password: secret } = database;
    const args = {
      ...postgresql,
      target,
      environment,
      // Elsewhere nobody is woken when a zone fails.
      multiAz: environment === "production",
      instances: [instance, ...kept],
      secret,
    };
    const { addresses } = new RdsPostgresql(`${target}-postgresql`, args, { provider });
    return [[target, addresses] as const];
  });
  return { databases: new Map(databases) };
}

function buildRegistry({ registry }: StackConfig, provider: Provider): void {
  if (registry?.pulledBy === undefined) return;
  new ImageRegistry("registry", { images: registryImages(), pulledBy: registry.pulledBy }, { provider });
}

/** All that are made for the platform, whether or not a target has a database of its own yet. */
function registryImages(): ImageRegistryArgs["images"] {
  const targets = routedTargets.map(catalogEntry);
  return [
    ...targets.map(({ name, repository }) => ({ name, repository })),
    ...targets
      .filter(({ stores }) => stores.includes("postgresql"))
      .map(({ name, repository }) => ({
        name: `${name}-migrations`,
        repository: `${repository}-migrations`,
      })),
    { name: "postgresql", repository: "pyairtable-postgresql" },
  ];
}

function buildDns({ dns, platform }: StackConfig, provider: Provider): void {
  if (dns === undefined) return;
  const { zone, failover, healthCheck } = dns;
  new EdgeDns(
    "dns",
    {
      zoneId: zone.id,
      records: recordSets(dns, platform.domain).map((record) => ({
        ...record,
        probePath: healthCheck.path ?? catalogEntry(record.target).probes.readiness.path,
      })),
      port: platform.publicPort,
      failover,
      healthCheck,
    },
    { provider },
  );
}

function buildBackups(
  { backup, platform }: StackConfig,
  { account, region }: Aws,
  provider: Provider,
): Cloud {
  if (backup === undefined) return {};
  const { environment, namespace } = platform;
  const store = new BackupStore(
    "backup-store",
    {
      bucket: `pyairtable-backup-${environment}-${account}`,
      roleName: `pyairtable-backup-${environment}`,
      retentionDays: backup.retentionDays,
      account,
      region,
      oidcIssuer: backup.oidcIssuer,
      serviceAccount: { namespace, name: backupServiceAccount },
    },
    { provider },
  );
  return { backups: { bucket: store.bucket, roleArn: store.roleArn, region } };
}
