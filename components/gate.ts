import * as pulumi from "@pulumi/pulumi";
import { withoutStack } from "./withoutStack";

/**
 * Resolves to `outcome` once `check` has passed. The check is made after `after` is applied, on every update whether
 * or not anything changed, and never in a preview, where the outcome is assumed so that what waits for it is shown in
 * full. A failure fails the update with the check's own message, on `resource`.
 */
export function gate<T>(
  outcome: string,
  after: pulumi.Output<T>,
  check: (value: T) => Promise<void>,
  resource: pulumi.Resource,
): pulumi.Output<string> {
  if (pulumi.runtime.isDryRun()) return pulumi.output(outcome);
  return after.apply(async (value) => {
    try {
      await check(value);
      return outcome;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw withoutStack(new pulumi.ResourceError(message, resource, true));
    }
  });
}

/** Says what is wrong instead of failing the update; for what must not stand in the way of anything. */
export async function warnOf(check: Promise<void>, resource: pulumi.Resource): Promise<void> {
  try {
    await check;
  } catch (error) {
    await pulumi.log.warn(error instanceof Error ? error.message : String(error), resource);
  }
}

/** The value, once what it needs is there; at once where it needs nothing. */
export function whenThere<T>(needed: pulumi.Output<unknown> | undefined, value: T): pulumi.Input<T> {
  return needed === undefined ? value : needed.apply(() => value);
}
