import { Container } from "@pulumi/docker/container";
import { Provider } from "@pulumi/docker/provider";
import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, routedTargets } from "../catalog";

export interface LegacyMonorepoArgs {
  /** Where the compose project's Docker daemon is reached: `ssh://user@host[:port]` or `unix:///path`. */
  host: pulumi.Input<string>;
  /** Arguments of ssh. Recorded in the stack's state, so the same for everybody. @default none */
  sshOptions?: readonly string[];
  /** The container that serves each target, by the id that it has now. @default no container, for a target left out */
  containers: Readonly<Partial<Record<RoutedTargetName, { readonly id: string }>>>;
}

/** The plugin that adoption was tried with. */
const pluginVersion = "5.1.0";

/**
 * The monorepo's containers, adopted as they are: the stack's state says which container and image serve each target,
 * and every preview reads them anew. They are read, not managed, so that there is no step by which an update, a
 * refresh or a destroy could edit, restart, replace or delete one; compose remains the one that makes them.
 *
 * The option `import` can't do that: the provider never reads a container's environment, and calls that a
 * replacement, whatever `ignoreChanges` names.
 */
export class LegacyMonorepo extends pulumi.ComponentResource {
  /** The image of each adopted container, as the daemon names it. */
  readonly images: Readonly<Partial<Record<RoutedTargetName, pulumi.Output<string>>>>;

  constructor(name: string, args: LegacyMonorepoArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:LegacyMonorepo", name, {}, opts);

    const { host, sshOptions = [], containers } = args;
    const provider = new Provider(
      `${name}-daemon`,
      { host, ...(sshOptions.length > 0 && { sshOpts: [...sshOptions] }) },
      { parent: this, version: pluginVersion },
    );
    const adopted = routedTargets.flatMap((target) => {
      const id = containers[target]?.id;
      if (id === undefined) return [];
      // Compose gives a new id with each container that it makes; the name of the resource stays.
      const container = Container.get(`${name}-${target}`, id, undefined, { parent: this, provider });
      return [[target, container.image] as const];
    });

    this.images = Object.fromEntries(adopted);
    this.registerOutputs({ images: this.images });
  }
}
