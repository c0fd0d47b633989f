import { Job } from "@pulumi/kubernetes/batch/v1";
import * as pulumi from "@pulumi/pulumi";
import type { KubeApi } from "../cluster/kubeApi";
import { waitForStep } from "../cluster/stepJobs";
import { type StepJobArgs, stepJob } from "../database/stepJob";
import { notAwaited } from "./awaiting";
import { gate, warnOf } from "./gate";

export interface SchemaMigrationArgs extends Omit<StepJobArgs, "action" | "namespace" | "address"> {
  namespace: pulumi.Input<string>;
  /** What the schema must be before and after, as its trial has shown. */
  expected: NonNullable<StepJobArgs["expected"]>;
  /** Resolves when there is a database with its roles. @default there is */
  after?: pulumi.Output<unknown>;
  /** False on a way back, which nothing may hold up. @default true */
  mustSucceed?: boolean;
  api: KubeApi;
}

/** A step of a target's schema, run once on the primary. */
export class SchemaMigration extends pulumi.ComponentResource {
  /** Resolves when the schema is as the releases need it. What runs them waits for it. */
  readonly done: pulumi.Output<string>;

  constructor(name: string, args: SchemaMigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:SchemaMigration", name, {}, opts);

    const { target, image, client, deadlineSeconds, expected, api, mustSucceed = true } = args;
    const jobArgs = {
      name: args.name,
      target,
      image,
      action: "up",
      client,
      deadlineSeconds,
      expected,
    } as const;
    const { metadata, spec } = stepJob({ ...jobArgs, namespace: "" });
    const { namespace } = args;
    const job = new Job(
      // Another step, or another attempt, is another Job: the one before stays until this one is done.
      `${name}-${args.name}`,
      {
        metadata: { ...metadata, namespace, annotations: notAwaited },
        spec: args.after?.apply(() => spec) ?? spec,
      },
      {
        parent: this,
        // What has run stays as it ran: made again for the sake of another client, it would ask for a schema of long ago.
        ignoreChanges: ["spec"],
      },
    );
    this.done = gate(
      "done",
      pulumi.all([job.id, namespace]),
      ([, jobNamespace]) => {
        const wait = { namespace: jobNamespace, job: args.name };
        // The Job ends by itself; the rest is for it to be scheduled.
        const ended = { ...wait, withinSeconds: deadlineSeconds + 60 };
        const failed = (error: unknown): never => {
          const message = error instanceof Error ? error.message : String(error);
          throw new Error(
            `${target}: the step ${image} has failed; no candidate got new pods and no traffic was moved. The next update tries it again.\n${message}`,
          );
        };
        return mustSucceed
          ? waitForStep(api, ended).catch(failed)
          : warnOf(waitForStep(api, { ...wait, withinSeconds: 0 }), this);
      },
      this,
    );
    this.registerOutputs({});
  }
}
