import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import { type HttpRouteArgs, httpRoute } from "../cluster/httpRoute";
import type { KubeApi } from "../cluster/kubeApi";
import { type Proxies, proveSplit } from "../cluster/proof";
import { splitHash } from "../migration";
import { gate } from "./gate";

export interface TrafficSplitArgs extends HttpRouteArgs<pulumi.Input<string>> {
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
    const { spec, ...manifest } = httpRoute(args);
    const route = new CustomResource(
      `${name}-route`,
      { ...manifest, spec: args.after.apply(() => spec) },
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
