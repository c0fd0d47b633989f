import type { ResourceCheck } from "./check";
import { containersOf, podSpecOf } from "./pods";
import { at } from "./value";

const digest = /@sha256:[0-9a-f]{64}$/;

export const imagesByDigest: ResourceCheck = {
  name: "images-by-digest",
  description:
    "Every image is named by digest, so that what was tested is what runs; the local stack may use tags.",
  find: (resource) =>
    containersOf(podSpecOf(resource)).flatMap(({ label, spec }) => {
      const image = at(spec, "image");
      // One without an image is none that the API server would take.
      if (typeof image !== "string" || digest.test(image) || resource.environment === "local") return [];
      return [
        {
          part: label,
          found: `image ${JSON.stringify(image)}`,
          expected: `an image by digest (repository@sha256:…) in ${resource.environment}`,
          remedy: "take the digest that the registry gave when the image was pushed",
        },
      ];
    }),
};
