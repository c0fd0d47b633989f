import { StatefulSet } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap, Secret, Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import {
  type ClusterInstance,
  databasePort,
  instanceClaim,
  instanceClaims,
  instanceFiles,
  instanceLabels,
  instancePod,
} from "../database/clusterInstance";
import { passwordOf, verifierOf } from "../database/password";
import { notAwaited } from "./awaiting";
import { hashedName, secretName } from "./hashedName";

export interface ClusterPostgresqlArgs extends ClusterInstance {
  namespace: pulumi.Input<string>;
  /** What the admin's password is derived from. Plain text; a hash of it is in a name. */
  secret: string;
}

/**
 * An instance of PostgreSQL in the cluster, whose log goes into a repository beside it all the time. Its volumes outlive
 * it: whoever really wants them gone deletes them by hand.
 */
export class ClusterPostgresql extends pulumi.ComponentResource {
  /** What a Service selects that is to lead to it. */
  readonly selector: Readonly<Record<string, string>>;

  constructor(name: string, args: ClusterPostgresqlArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ClusterPostgresql", name, {}, opts);

    const { namespace, target, instance } = args;
    const child = { parent: this };
    this.selector = instanceLabels(target, instance);
    const metadata = { name: instance, namespace, labels: this.selector };

    const data = instanceFiles(args);
    const files = new ConfigMap(
      `${name}-files`,
      { metadata: { ...metadata, name: hashedName(instance, data) }, immutable: true, data },
      child,
    );
    const verifier = { ADMIN_VERIFIER: verifierOf(passwordOf(args.secret, target, "admin")) };
    const admin = new Secret(
      `${name}-admin`,
      {
        metadata: { ...metadata, name: secretName(instance, verifier) },
        immutable: true,
        stringData: pulumi.secret(verifier),
      },
      child,
    );
    const service = new Service(
      `${name}-service`,
      {
        metadata,
        spec: {
          clusterIP: "None",
          selector: this.selector,
          // Also while it starts: the name is its pod's own.
          publishNotReadyAddresses: true,
          ports: [{ name: "postgresql", port: databasePort }],
        },
      },
      child,
    );
    new StatefulSet(
      `${name}-stateful-set`,
      {
        metadata: {
          ...metadata,
          annotations: {
            // Its fields may be somebody's already: an update's that was killed before it noted them, or whoever's that scaled it.
            "pulumi.com/patchForce": "true",
            // One that was left may be left because it doesn't start any more.
            ...(args.kept && notAwaited),
          },
        },
        spec: {
          serviceName: service.metadata.name,
          replicas: 1,
          selector: { matchLabels: this.selector },
          template: instancePod(args, { files: files.metadata.name, admin: admin.metadata.name }),
          volumeClaimTemplates: Object.values(instanceClaims).map((claim) => instanceClaim(claim, args)),
        },
      },
      child,
    );

    this.registerOutputs({});
  }
}
