import { z } from "zod";

const image = "an image by digest (repository@sha256:…)";
const anyImage = "an image reference (repository@sha256:…)";

/** What a pod of the platform's own runs, the same whatever the stack. */
export const imageSchema = z
  .string({ error: image })
  .regex(/^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*@sha256:[0-9a-f]{64}$/, { error: image });

/** `repository[:tag][@sha256:digest]`; whether the digest may be missing depends on the environment. */
export const anyImageSchema = z
  .string({ error: anyImage })
  .regex(/^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?$/, {
    error: anyImage,
  });
