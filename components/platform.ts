import { Namespace } from "@pulumi/kubernetes/core/v1";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import * as pulumi from "@pulumi/pulumi";
import { internalDomainOf } from "../cluster/names";

export interface PlatformArgs {
  /** The namespace of everything that the stack makes. */
  namespace: string;
  /** The GatewayClass that serves the Gateway. */
  gatewayClass: string;
  /** Targets are served at `<target>.<domain>`. */
  domain: string;
}

/** What all targets share: a namespace that admits restricted pods only and denies what no policy allows, and the Gateway. */
export class Platform extends pulumi.ComponentResource {
  /** The namespace's name, once it exists. */
  readonly namespace: pulumi.Output<string>;
  /** The Gateway's name, once it exists. */
  readonly gateway: pulumi.Output<string>;

  constructor(name: string, args: PlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:Platform", name, {}, opts);

    const namespace = new Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          labels: {
            "app.kubernetes.io/part-of": "pyairtable",
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
          },
        },
      },
      { parent: this },
    );
    this.namespace = namespace.metadata.name;

    new NetworkPolicy(
      `${name}-default-deny`,
      {
        metadata: { name: "default-deny", namespace: this.namespace },
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      { parent: this },
    );

    const gateway = new CustomResource(
      `${name}-gateway`,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: args.namespace, namespace: this.namespace },
        spec: {
          gatewayClassName: args.gatewayClass,
          listeners: [
            listener("http", args.domain),
            // Releases call each other through the Gateway, so that a split holds for them too.
            listener("internal", internalDomainOf(args.namespace)),
          ],
        },
      },
      { parent: this },
    );
    this.gateway = gateway.metadata.name;

    this.registerOutputs({ namespace: this.namespace, gateway: this.gateway });
  }
}

function listener(name: string, domain: string): object {
  return {
    name,
    protocol: "HTTP",
    port: 80,
    hostname: `*.${domain}`,
    allowedRoutes: { namespaces: { from: "Same" } },
  };
}
