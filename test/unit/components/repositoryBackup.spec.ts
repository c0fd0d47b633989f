import assert from "node:assert/strict";
import { RepositoryBackup, type RepositoryBackupArgs } from "../../../components/repositoryBackup";
import { type Recording, record } from "../support/recording";

const image = `registry/backup@sha256:${"a".repeat(64)}`;

function backup(changes: Partial<RepositoryBackupArgs> = {}): Promise<Recording> {
  const args: RepositoryBackupArgs = {
    namespace: "apps",
    schedule: "30 1 * * *",
    image,
    script: "#!/bin/sh\n",
    gitBaseUrl: "https://git.example/pyairtable",
    repositories: ["pyairtable-frontend", "pyairtable-docs"],
    compose: { repository: "pyairtable-monorepo", path: "docker-compose.yml" },
    store: { bucket: "backups", roleArn: "arn:aws:iam::1:role/backup", region: "eu-central-1" },
    ...changes,
  };
  return record(() => new RepositoryBackup("backup", args));
}

const labels = { "app.kubernetes.io/name": "repository-backup", "app.kubernetes.io/part-of": "pyairtable" };

const podSpec = {
  restartPolicy: "Never",
  serviceAccountName: "repository-backup",
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    fsGroup: 65532,
    seccompProfile: { type: "RuntimeDefault" },
  },
  containers: [
    {
      name: "backup",
      image,
      command: ["/bin/sh", "/scripts/backup.sh"],
      env: [
        { name: "BUCKET", value: "backups" },
        { name: "GIT_BASE_URL", value: "https://git.example/pyairtable" },
        { name: "REPOSITORIES", value: "pyairtable-frontend pyairtable-docs pyairtable-monorepo" },
        { name: "COMPOSE_REPOSITORY", value: "pyairtable-monorepo" },
        { name: "COMPOSE_PATH", value: "docker-compose.yml" },
        { name: "HOME", value: "/work" },
        { name: "TMPDIR", value: "/work" },
        { name: "AWS_REGION", value: "eu-central-1" },
        { name: "AWS_ROLE_ARN", value: "arn:aws:iam::1:role/backup" },
        { name: "AWS_WEB_IDENTITY_TOKEN_FILE", value: "/var/run/secrets/sts.amazonaws.com/token" },
        { name: "AWS_STS_REGIONAL_ENDPOINTS", value: "regional" },
      ],
      resources: {
        requests: { cpu: "100m", memory: "256Mi", "ephemeral-storage": "1Gi" },
        limits: { cpu: "1", memory: "1Gi", "ephemeral-storage": "20Gi" },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      volumeMounts: [
        { name: "scripts", mountPath: "/scripts", readOnly: true },
        { name: "work", mountPath: "/work" },
        { name: "aws-token", mountPath: "/var/run/secrets/sts.amazonaws.com", readOnly: true },
      ],
    },
  ],
  volumes: [
    { name: "scripts", configMap: { name: "repository-backup-0ae7a51b82" } },
    { name: "work", emptyDir: { sizeLimit: "20Gi" } },
    {
      name: "aws-token",
      projected: {
        sources: [
          {
            serviceAccountToken: { audience: "sts.amazonaws.com", expirationSeconds: 3600, path: "token" },
          },
        ],
      },
    },
  ],
};

describe("RepositoryBackup", () => {
  it("runs the script at set times, one run at a time, restricted, with a token for AWS only", async () => {
    const made = await backup();
    assert.deepEqual(made.names(), [
      "backup",
      "backup-cron-job",
      "backup-network-policy",
      "backup-script",
      "backup-service-account",
    ]);
    assert.deepEqual(made.inputs("backup-cron-job"), {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "repository-backup", namespace: "apps", labels },
      spec: {
        schedule: "30 1 * * *",
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            backoffLimit: 1,
            activeDeadlineSeconds: 7200,
            template: { metadata: { labels }, spec: podSpec },
          },
        },
      },
    });
    assert.deepEqual(made.inputs("backup-service-account"), {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "repository-backup", namespace: "apps", labels },
      automountServiceAccountToken: false,
    });
  });

  it("keeps the script as it is in an object that never changes, and a change of it makes another", async () => {
    const made = await backup();
    assert.deepEqual(made.inputs("backup-script"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "repository-backup-0ae7a51b82", namespace: "apps", labels },
      immutable: true,
      data: { "backup.sh": "#!/bin/sh\n" },
    });
    const changed = await backup({ script: "#!/bin/sh\ntrue\n" });
    assert.notDeepEqual(
      changed.inputs("backup-script")["metadata"],
      made.inputs("backup-script")["metadata"],
    );
  });

  it("reaches the cluster's DNS and public HTTPS, and is reached by nobody", async () => {
    const made = await backup();
    assert.deepEqual(made.inputs("backup-network-policy")["spec"], {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "repository-backup" } },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        {
          to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } }],
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        {
          to: [
            {
              ipBlock: {
                cidr: "0.0.0.0/0",
                except: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"],
              },
            },
          ],
          ports: [{ port: 443 }],
        },
      ],
    });
  });

  it("has the git token as a file from a Secret, and nowhere in clear", async () => {
    const made = await backup({ gitToken: "ghs_1" });
    const { immutable, stringData, metadata } = made.inputs("backup-git-token");
    assert.equal(immutable, true);
    assert.deepEqual(stringData, { "[secret]": { token: "ghs_1" } });
    const { name } = metadata as { name: string };
    assert.match(name, /^repository-backup-[0-9a-f]{10}$/);
    const job = JSON.stringify(made.inputs("backup-cron-job"));
    assert.ok(job.includes('{"name":"GIT_TOKEN_FILE","value":"/var/run/secrets/git/token"}'));
    assert.ok(job.includes('{"mountPath":"/var/run/secrets/git","name":"git-token","readOnly":true}'));
    assert.ok(job.includes(`{"name":"git-token","secret":{"defaultMode":288,"secretName":"${name}"}}`));
    assert.doesNotMatch(job, /ghs_1/);
  });

  it("takes the compose configuration's repository once, even when it is among the others", async () => {
    const made = await backup({
      repositories: ["pyairtable-docs", "pyairtable-monorepo"],
    });
    assert.ok(
      JSON.stringify(made.inputs("backup-cron-job")).includes(
        '{"name":"REPOSITORIES","value":"pyairtable-docs pyairtable-monorepo"}',
      ),
    );
  });
});
