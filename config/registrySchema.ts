import { z } from "zod";

const host = "a registry's host, without a path (123456789012.dkr.ecr.eu-central-1.amazonaws.com)";
const puller = "an AWS account (12 digits, quoted), or the ARN of a role";
const pullers = "a list of who may pull, one or more";

/** Where the images are kept, `<host>/pyairtable-<target>` each. */
export const registrySchema = z.strictObject(
  {
    host: z
      .string({ error: host })
      .regex(/^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+)(:\d{1,5})?$/, { error: host }),
    /** In the one stack that owns the repositories: who may pull from them. Default: another stack owns them. */
    pulledBy: z
      .array(
        z
          .string({ error: puller })
          .regex(/^(\d{12}|arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+)$/, { error: puller }),
        { error: pullers },
      )
      .min(1, { error: pullers })
      .optional(),
  },
  { error: "a map with host" },
);
