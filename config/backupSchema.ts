import { z } from "zod";
import { imageSchema } from "./imageSchema";

const schedule = 'a cron schedule of five fields ("30 1 * * *")';
const days = "a whole number of days, 1 or more";
const gitBaseUrl = "an https URL without credentials, above the repositories (https://github.com/pyairtable)";
const repository = "the name of a repository";
const composePath = "a path in that repository";
const issuer = "the cluster's OIDC issuer, without https:// (oidc.eks.eu-central-1.amazonaws.com/id/…)";
const token = "a string that isn't empty";

export const backupSchema = z.strictObject(
  {
    /** When, in UTC. */
    schedule: z.string({ error: schedule }).regex(/^([\d*,/-]+ ){4}[\d*,/-]+$/, { error: schedule }),
    /** How long a backup can't be deleted, and after which it is. */
    retentionDays: z.int({ error: days }).min(1, { error: days }),
    /** The repositories are at `<gitBaseUrl>/<repository>.git`. */
    gitBaseUrl: z
      .string({ error: gitBaseUrl })
      .regex(/^https:\/\/[\w.-]+(:\d+)?(\/[\w.-]+)*$/, { error: gitBaseUrl }),
    /** What the pod runs: git, the AWS CLI and a POSIX shell with coreutils. */
    image: imageSchema,
    /** Where the compose configuration is kept; its repository is backed up like the nine. */
    compose: z.strictObject(
      {
        repository: z.string({ error: repository }).regex(/^\w[\w.-]*$/, { error: repository }),
        /** Must exist on the default branch, or the backup fails. */
        path: z.string({ error: composePath }).regex(/^[\w.-]+(\/[\w.-]+)*$/, { error: composePath }),
      },
      { error: "a map with repository and path" },
    ),
    /** Vouches for the pod's ServiceAccount to AWS. */
    oidcIssuer: z.string({ error: issuer }).regex(/^[\w.-]+(\/[\w.-]+)*$/, { error: issuer }),
    /** Reads the repositories, and nothing else. A secret. Default: none, the repositories are public. */
    gitToken: z.string({ error: token }).min(1, { error: token }).optional(),
  },
  { error: "a map" },
);
