import { CronJob } from "@pulumi/kubernetes/batch/v1";
import { ConfigMap, Secret, ServiceAccount } from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { clusterDns, publicHttps } from "./egress";
import { hashedName, secretName } from "./hashedName";
import { restrictedContainer, restrictedPodOf } from "./restricted";

export interface RepositoryBackupArgs {
  namespace: pulumi.Input<string>;
  /** Cron, five fields, in UTC. */
  schedule: string;
  /** Git, the AWS CLI and a POSIX shell with coreutils, by digest. */
  image: string;
  /** The text of backup/backup.sh. */
  script: string;
  /** An https URL; a repository is at `<gitBaseUrl>/<repository>.git`. */
  gitBaseUrl: string;
  /** All that are backed up, the one of the compose configuration among them or not. */
  repositories: readonly string[];
  /** Where the compose configuration is: the path must exist on the repository's default branch. */
  compose: { readonly repository: string; readonly path: string };
  /** Reads the repositories. Plain text; its hash is in a name. @default none, they are public */
  gitToken?: string;
  /** Where the bundles are kept. */
  store: BackupTarget;
}

/** A bucket, and the role that may add to it. */
export interface BackupTarget {
  readonly bucket: pulumi.Input<string>;
  readonly roleArn: pulumi.Input<string>;
  /** Of the bucket and the role's tokens. */
  readonly region: string;
}

/** The ServiceAccount that the store's role trusts. */
export const backupServiceAccount = "repository-backup";

/** The most that a run takes, in seconds; a run that hangs is over before the next one. */
const deadlineSeconds = 2 * 60 * 60;
/** The user of the pod: the image's own may be root. */
const user = 65532;
const tokenFolder = "/var/run/secrets/sts.amazonaws.com";
const gitFolder = "/var/run/secrets/git";

/** Bundles all repositories into a BackupStore, at set times. */
export class RepositoryBackup extends pulumi.ComponentResource {
  constructor(name: string, args: RepositoryBackupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:RepositoryBackup", name, {}, opts);

    const { namespace, compose, gitToken } = args;
    const fullName = backupServiceAccount;
    const labels = { "app.kubernetes.io/name": fullName, "app.kubernetes.io/part-of": "pyairtable" };
    const child = { parent: this };

    const serviceAccount = new ServiceAccount(
      `${name}-service-account`,
      { metadata: { name: fullName, namespace, labels }, automountServiceAccountToken: false },
      child,
    );
    const data = { "backup.sh": args.script };
    const script = new ConfigMap(
      `${name}-script`,
      { metadata: { name: hashedName(fullName, data), namespace, labels }, immutable: true, data },
      child,
    );
    const secret =
      gitToken === undefined
        ? undefined
        : new Secret(
            `${name}-git-token`,
            {
              metadata: { name: secretName(fullName, { token: gitToken }), namespace, labels },
              immutable: true,
              stringData: pulumi.secret({ token: gitToken }),
            },
            child,
          );

    new NetworkPolicy(
      `${name}-network-policy`,
      {
        metadata: { name: fullName, namespace, labels },
        spec: {
          podSelector: { matchLabels: { "app.kubernetes.io/name": fullName } },
          policyTypes: ["Ingress", "Egress"],
          // The repositories' host, S3 and STS.
          egress: [clusterDns, publicHttps],
        },
      },
      child,
    );

    const podSpec: types.input.core.v1.PodSpec = {
      restartPolicy: "Never",
      serviceAccountName: serviceAccount.metadata.name,
      ...restrictedPodOf(user),
      containers: [
        {
          name: "backup",
          image: args.image,
          command: ["/bin/sh", "/scripts/backup.sh"],
          env: [
            { name: "BUCKET", value: args.store.bucket },
            { name: "GIT_BASE_URL", value: args.gitBaseUrl },
            {
              name: "REPOSITORIES",
              value: [...new Set([...args.repositories, compose.repository])].join(" "),
            },
            { name: "COMPOSE_REPOSITORY", value: compose.repository },
            { name: "COMPOSE_PATH", value: compose.path },
            ...(secret ? [{ name: "GIT_TOKEN_FILE", value: `${gitFolder}/token` }] : []),
            { name: "HOME", value: "/work" },
            { name: "TMPDIR", value: "/work" },
            { name: "AWS_REGION", value: args.store.region },
            { name: "AWS_ROLE_ARN", value: args.store.roleArn },
            { name: "AWS_WEB_IDENTITY_TOKEN_FILE", value: `${tokenFolder}/token` },
            { name: "AWS_STS_REGIONAL_ENDPOINTS", value: "regional" },
          ],
          resources: {
            requests: { cpu: "100m", memory: "256Mi", "ephemeral-storage": "1Gi" },
            limits: { cpu: "1", memory: "1Gi", "ephemeral-storage": "20Gi" },
          },
          securityContext: restrictedContainer,
          volumeMounts: [
            { name: "scripts", mountPath: "/scripts", readOnly: true },
            { name: "work", mountPath: "/work" },
            { name: "aws-token", mountPath: tokenFolder, readOnly: true },
            ...(secret ? [{ name: "git-token", mountPath: gitFolder, readOnly: true }] : []),
          ],
        },
      ],
      volumes: [
        { name: "scripts", configMap: { name: script.metadata.name } },
        { name: "work", emptyDir: { sizeLimit: "20Gi" } },
        {
          name: "aws-token",
          // AWS takes it for the role; the cluster's own API doesn't take it at all.
          projected: {
            sources: [
              {
                serviceAccountToken: {
                  audience: "sts.amazonaws.com",
                  expirationSeconds: 3600,
                  path: "token",
                },
              },
            ],
          },
        },
        ...(secret
          ? [{ name: "git-token", secret: { secretName: secret.metadata.name, defaultMode: 0o440 } }]
          : []),
      ],
    };
    new CronJob(
      `${name}-cron-job`,
      {
        metadata: { name: fullName, namespace, labels },
        spec: {
          schedule: args.schedule,
          timeZone: "Etc/UTC",
          concurrencyPolicy: "Forbid",
          // One that was missed while the control plane was away is made up for within the hour.
          startingDeadlineSeconds: 3600,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels },
            spec: {
              // A second try, which makes a whole backup again, may find the repository that the first one missed.
              backoffLimit: 1,
              activeDeadlineSeconds: deadlineSeconds,
              template: { metadata: { labels }, spec: podSpec },
            },
          },
        },
      },
      child,
    );

    this.registerOutputs({});
  }
}
