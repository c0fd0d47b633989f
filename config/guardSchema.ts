import { z } from "zod";
import { imageSchema } from "./imageSchema";

const repository = "a repository on GitHub (owner/name)";
const prometheus = "a map with namespace and url";
const url = "an http URL in the cluster, without credentials (http://prometheus.monitoring:9090)";
const namespace = "a namespace";
const secret = "a string that isn't empty";
const secretSchema = z.string({ error: secret }).min(1, { error: secret });

/** The guard in the cluster. */
export const guardSchema = z.strictObject(
  {
    /** This checkout with its packages, as guard/Containerfile makes it. */
    image: imageSchema,
    /** Whose rollback workflow commits and updates. */
    repository: z.string({ error: repository }).regex(/^[\w.-]+\/[\w.-]+$/, { error: repository }),
    /** Whom alerts are checked with; Alertmanager runs in the same namespace. */
    prometheus: z.strictObject(
      {
        namespace: z.string({ error: namespace }).regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
          error: namespace,
        }),
        url: z.string({ error: url }).regex(/^http:\/\/[\w.-]+(:\d{1,5})?(\/[\w.-]+)*$/, { error: url }),
      },
      { error: prometheus },
    ),
    /** What Alertmanager shows. A secret. */
    alertToken: secretSchema,
    /** What those show who report what users say. A secret. */
    reportToken: secretSchema,
    /** May run workflows of `repository`, and nothing else. A secret. */
    githubToken: secretSchema,
    /** The webhook of a chat. A secret. Default: nobody is told but by the logs and metrics. */
    chatUrl: secretSchema.optional(),
  },
  { error: "a map" },
);
