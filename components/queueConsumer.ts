import { Deployment } from "@pulumi/kubernetes/apps/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTarget } from "../catalog";
import { confirmOthersStopped, switchLegacyConsumer } from "../cluster/consumers";
import type { KubeApi } from "../cluster/kubeApi";
import { type Backend, COLORS, type Color } from "../migration";
import type { RunningRelease } from "./colorRelease";
import { gate } from "./gate";
import { backendLabels, backendName, consumerRole } from "../cluster/names";

export interface QueueConsumerArgs {
  target: RoutedTarget;
  namespace: pulumi.Input<string>;
  /** The one backend that shall consume. */
  consumer: Backend;
  /** The colours that run. */
  releases: Readonly<Partial<Record<Color, RunningRelease>>>;
  /** Whether the monorepo's container still runs and must be told. */
  legacy: { readonly host: string } | undefined;
  /** Resolves when the split is proven: the consumer follows the traffic. */
  after: pulumi.Output<string>;
  api: KubeApi;
}

/**
 * Exactly one backend consumes the target's queue. A switch is stop, confirm, start: nothing starts before every
 * other consumer is known to have stopped, on every update.
 */
export class QueueConsumer extends pulumi.ComponentResource {
  constructor(name: string, args: QueueConsumerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:QueueConsumer", name, {}, opts);

    const { target, namespace, consumer, releases, api } = args;
    const running = COLORS.flatMap((color) => {
      const release = releases[color];
      return release === undefined ? [] : [{ color, release }];
    });
    const deploy = (color: Color, release: RunningRelease, replicas: pulumi.Input<number>): Deployment =>
      new Deployment(
        `${name}-${color}`,
        {
          metadata: {
            name: `${backendName(target.name, color)}-consumer`,
            namespace,
            labels: backendLabels(target.name, color),
          },
          spec: {
            replicas,
            // Never two of one colour either.
            strategy: { type: "Recreate" },
            selector: { matchLabels: consumerSelector(target, color) },
            template: {
              metadata: {
                labels: { ...backendLabels(target.name, color), ...consumerSelector(target, color) },
              },
              spec: consumerPodSpec(release),
            },
          },
        },
        { parent: this },
      );

    const stopped = running
      .filter(({ color }) => color !== consumer)
      .map(({ color, release }) =>
        deploy(
          color,
          release,
          args.after.apply(() => 0),
        ),
      );
    const confirmed = gate(
      "confirmed",
      pulumi.all([args.after, ...stopped.map(({ id }) => id)]).apply(() => pulumi.output(namespace)),
      async (readyNamespace) => {
        if (args.legacy && consumer !== "legacy") await switchLegacyConsumer(target, args.legacy.host, false);
        const declared = running.map(({ color }) => color);
        await confirmOthersStopped(api, { target, namespace: readyNamespace, consumer, declared });
      },
      this,
    );
    if (consumer === "legacy") {
      const { legacy } = args;
      if (legacy) gate("started", confirmed, () => switchLegacyConsumer(target, legacy.host, true), this);
    } else {
      const release = releases[consumer];
      if (release)
        deploy(
          consumer,
          release,
          confirmed.apply(() => 1),
        );
    }

    this.registerOutputs({});
  }
}

function consumerSelector(target: RoutedTarget, color: Color): Record<string, string> {
  return { "app.kubernetes.io/instance": backendName(target.name, color), ...consumerRole };
}

/** The release's own pod, which consumes instead of serving. */
function consumerPodSpec({ pod, container }: RunningRelease): types.input.core.v1.PodSpec {
  return { ...pod, containers: [{ ...container, name: "consumer", args: ["consume"] }] };
}
