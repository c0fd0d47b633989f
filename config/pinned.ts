import { anyImageSchema } from "./imageSchema";
import type { Problem } from "./problem";

/** Outside the local stack what was tested must be what runs. */
export function pinned(environment: string | undefined, path: readonly string[], value: unknown): Problem[] {
  if (environment === undefined || environment === "local") return [];
  const image = anyImageSchema.safeParse(value).data;
  if (image === undefined || image.includes("@sha256:")) return [];
  const text = `found ${JSON.stringify(image)}, expected an image by digest (repository@sha256:…) in ${environment}`;
  return [{ path, text }];
}
