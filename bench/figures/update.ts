import { ALL_LEGACY } from "../../migration";
import type { Figure } from "../figure";
import { ALL_BLUE } from "../world";

/** What a step of a cutover takes. */
export const update: Figure = {
  name: "update",
  title: "pulumi up --skip-preview of one changed route",
  measures: { "to blue": "s", "to legacy": "s" },
  isTimed: true,
  baseline: "empty",
  async prepare(world) {
    const [empty, naive] = [await world.program("empty"), await world.program("naive")];
    return [
      {
        name: "local",
        run: async () => ({
          "to blue": await world.move(ALL_BLUE),
          "to legacy": await world.move(ALL_LEGACY),
        }),
      },
      {
        name: "empty",
        run: async () => ({ "to blue": await empty.up(100), "to legacy": await empty.up(0) }),
      },
      {
        name: "naive",
        run: async () => ({ "to blue": await naive.up(100), "to legacy": await naive.up(0) }),
      },
    ];
  },
};
