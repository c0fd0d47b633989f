import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTarget } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { type Proxies, proveSplit } from "../cluster/proof";
import { BACKENDS, type Backend, type RouteRecord, splitHash, toAnnotations } from "../migration";
import { gate } from "./gate";
import { backendHeader, backendName, routeHeader, targetLabels } from "../cluster/names";

export interface TrafficSplitArgs {
  target: RoutedTarget;
  namespace: pulumi.Input<string>;
  /** The Gateway's name. */
  gateway: pulumi.Input<string>;
  /** Where users reach the target: `frontend.example.com`. */
  hostname: string;
  /** The split, and what the route says about how it came to be. */
  record: RouteRecord;
  /** Resolves when whatever is to receive traffic is ready and has passed its smoke check. */
  after: pulumi.Output<string>;
  /** Doesn't touch the live route, which somebody else has changed. @default false */
  leaveAlone?: boolean;
  /** How every replica of the proxy is asked whether it serves the split. */
  proxies: Proxies;
  api: KubeApi;
}

/**
 * Who gets how much of a target's traffic: one HTTPRoute that names all backends with their weights. Traffic moves
 * by these weights and by nothing else.
 */
export class TrafficSplit extends pulumi.ComponentResource {
  /** The split's hash, once every replica of the proxy serves it. What is scaled down waits for it. */
  readonly proven: pulumi.Output<string>;

  constructor(name: string, args: TrafficSplitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:TrafficSplit", name, {}, opts);

    const { target, hostname, record } = args;
    const routeHash = splitHash(target.name, record.split);
    const route = new CustomResource(
      `${name}-route`,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: {
          name: target.name,
          namespace: args.namespace,
          labels: targetLabels(target.name),
          annotations: {
            ...toAnnotations(record),
            // The rules have judged who may change the route: whoever else owns its weights must not stop a way back.
            "pulumi.com/patchForce": "true",
          },
        },
        spec: args.after.apply(() => routeSpec(args, routeHash)),
      },
      {
        parent: this,
        // A component's dependencies aren't its children's: without them a backend could be deleted before the route.
        ...(opts?.dependsOn && { dependsOn: opts.dependsOn }),
        ...(args.leaveAlone === true && { ignoreChanges: ["spec", "metadata"] }),
      },
    );

    this.proven =
      args.leaveAlone === true
        ? route.id.apply(() => routeHash)
        : gate(
            routeHash,
            route.id,
            () => proveSplit(args.api, { proxies: args.proxies, hostname, routeHash }),
            this,
          );

    this.registerOutputs({ proven: this.proven });
  }
}

function routeSpec({ target, gateway, hostname, record }: TrafficSplitArgs, routeHash: string): object {
  const running = BACKENDS.filter((backend) =>
    backend === "legacy" ? record.legacy === "standby" : record.images[backend] !== undefined,
  );
  const named = BACKENDS.filter((backend) => backend !== "legacy" || record.legacy === "standby");
  const timeouts = { request: `${target.longestRequestSeconds}s` };
  const everywhere = { path: { type: "PathPrefix", value: "/" } };
  return {
    parentRefs: [{ name: gateway }],
    hostnames: [hostname],
    rules: [
      // Whoever asks for a backend by header reaches it at the real URL, whatever its weight.
      ...running.map((backend) => ({
        matches: [{ ...everywhere, headers: [{ type: "Exact", name: backendHeader, value: backend }] }],
        filters: [setHeader(routeHeader, routeHash)],
        backendRefs: [backendRef(target, backend, 1)],
        timeouts,
      })),
      {
        matches: [everywhere],
        filters: [setHeader(routeHeader, routeHash)],
        backendRefs: named.map((backend) => backendRef(target, backend, record.split[backend])),
        timeouts,
      },
    ],
  };
}

function backendRef(target: RoutedTarget, backend: Backend, weight: number): object {
  return {
    name: backendName(target.name, backend),
    port: target.port,
    weight,
    filters: [setHeader(backendHeader, backend)],
  };
}

function setHeader(name: string, value: string): object {
  return { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name, value }] } };
}
