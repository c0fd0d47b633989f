import { z } from "zod";

const image = "an image by digest (repository@sha256:…)";

/** What a pod of the platform's own runs, the same whatever the stack. */
export const imageSchema = z
  .string({ error: image })
  .regex(/^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*@sha256:[0-9a-f]{64}$/, { error: image });
