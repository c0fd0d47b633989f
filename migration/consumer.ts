import type { RouteRecord } from "./routeRecord";
import { BACKENDS, holder } from "./split";
import type { Backend } from "./split";

/**
 * The one backend that consumes a target's queue: who has all traffic; while it is shared who last had it, for as long
 * as that one runs; else who has the largest share.
 */
export function consumerOf({ split, heldFull, images, legacy }: RouteRecord): Backend {
  const runs = heldFull === "legacy" ? legacy === "standby" : images[heldFull] !== undefined;
  const [largest = "legacy"] = BACKENDS.toSorted((a, b) => split[b] - split[a]);
  return holder(split) ?? (runs ? heldFull : largest);
}
