import * as pulumi from "@pulumi/pulumi";
import { findImage } from "../registry/client";
import { digestOf, repositoryOf } from "../registry/reference";
import { RegistryError } from "../registry/registryError";

export interface PinnedImageArgs {
  /** Where the stack's config names it: `frontend.green`. */
  key: string;
  /** `host/repository@sha256:…` */
  image: string;
  /** What writes another in its place. @default none */
  command?: string | undefined;
  /** It has been rolled out before: nothing needs to be asked. @default false */
  isRunning?: boolean;
}

/**
 * An image by digest, and whether its registry has it. That is asked in a preview too, where a wrong digest is one
 * message instead of pods that can't pull. By the registry's own API: the Docker provider would want a Docker daemon
 * wherever the program runs. A registry that can't be asked is only warned of, for the nodes pull by themselves.
 */
export class PinnedImage extends pulumi.ComponentResource {
  /** Why it can't be rolled out; undefined if it can, or if that couldn't be asked. */
  readonly refusal: Promise<string | undefined>;

  constructor(name: string, args: PinnedImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:PinnedImage", name, {}, opts);
    this.refusal = args.isRunning === true ? Promise.resolve(undefined) : this.ask(args);
    this.registerOutputs({ image: args.image });
  }

  private async ask({ key, image, command }: PinnedImageArgs): Promise<string | undefined> {
    const repository = repositoryOf(image);
    const digest = digestOf(image);
    const found = `pyairtable:${key}: found ${image}`;
    if (repository === undefined || digest === undefined) {
      return `${found}, expected host/repository@sha256:…`;
    }
    try {
      if ((await findImage(repository, digest)) !== undefined) return undefined;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      await pulumi.log.warn(`${found}; whether it exists isn't known: ${error.message}`, this);
      return undefined;
    }
    const missing = `${found}, which the registry doesn't have, expected a digest that it has`;
    return command === undefined ? missing : `${missing}: ${command}`;
  }
}
