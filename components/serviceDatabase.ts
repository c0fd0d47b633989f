import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../database/access";
import type { Backend } from "../migration";
import { ClusterPostgresql, type ClusterPostgresqlArgs } from "./clusterPostgresql";
import {
  DatabaseAccess,
  type DatabaseAccessArgs,
  type DatabaseClient,
  type DatabasePlace,
} from "./databaseAccess";

export interface ServiceDatabaseArgs
  extends Access, Pick<DatabaseAccessArgs, "namespace" | "instance" | "image" | "legacyHost"> {
  /** Instances that are not in use and not deleted either. */
  kept: readonly string[];
  host: InCluster | InAws;
}

/** The stack runs them itself. */
export interface InCluster extends Pick<ClusterPostgresqlArgs, "storageGi" | "maxConnections"> {
  readonly in: "cluster";
}

/** RDS runs them. */
export interface InAws {
  readonly in: "aws";
  /** The host of each instance. */
  readonly addresses: ReadonlyMap<string, pulumi.Input<string>>;
  /** IPv4 ranges of the subnets that they are in. */
  readonly subnetCidrs: readonly string[];
}

/** A target's own database: its instances, and who reaches the one in use. Pods can't tell where that is. */
export class ServiceDatabase extends pulumi.ComponentResource implements DatabaseClient {
  readonly credentials: Readonly<Record<Backend, pulumi.Output<string>>>;
  readonly peers: readonly types.input.networking.v1.NetworkPolicyPeer[];

  constructor(name: string, args: ServiceDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ServiceDatabase", name, {}, opts);

    const { host, instance } = args;
    const access = (place: DatabasePlace, after?: pulumi.Resource): DatabaseAccess =>
      new DatabaseAccess(`${name}-access`, { ...args, place, ...(after && { after }) }, { parent: this });
    const { credentials, peers } =
      host.in === "cluster" ? this.inCluster(args, host, access) : access(inAws(instance, host));
    this.credentials = credentials;
    this.peers = peers;

    this.registerOutputs({});
  }

  private inCluster(
    args: ServiceDatabaseArgs,
    { storageGi, maxConnections }: InCluster,
    access: (place: DatabasePlace, after: pulumi.Resource) => DatabaseAccess,
  ): DatabaseAccess {
    const make = (instance: string, kept: boolean): ClusterPostgresql =>
      new ClusterPostgresql(
        instance,
        { ...args, instance, storageGi, maxConnections, kept },
        { parent: this },
      );
    for (const each of args.kept) make(each, true);
    const used = make(args.instance, false);
    return access({ selector: used.selector }, used);
  }
}

function inAws(instance: string, { addresses, subnetCidrs }: InAws): DatabasePlace {
  const host = addresses.get(instance);
  if (host === undefined) throw new Error(`found no address of ${instance}, expected that of each instance`);
  return { host, cidrs: subnetCidrs };
}
