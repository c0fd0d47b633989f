import { cutoverRollback } from "../cutover";
import type { Figure, Sample } from "../figure";
import { peakMemory } from "../memory";
import { ALL_BLUE } from "../world";

/** What a runner of CI, or the guard's machine, must have. */
export const memory: Figure = {
  name: "memory",
  title: "peak resident memory of each process",
  measures: {
    "preview: CLI": "MB",
    "preview: program": "MB",
    "preview: provider": "MB",
    "update: CLI": "MB",
    "update: program": "MB",
    "update: provider": "MB",
    "rollback: cutover": "MB",
  },
  isTimed: false,
  baseline: "naive",
  async prepare(world) {
    const [empty, naive] = [await world.program("empty"), await world.program("naive")];
    return [
      {
        name: "local",
        run: async () => ({
          ...(await peaks("preview", () => world.preview())),
          ...(await peaks("update", () => world.move(ALL_BLUE))),
          ...(await peaks("rollback", () => cutoverRollback(world))),
        }),
      },
      ...[
        { name: "naive", program: naive },
        { name: "empty", program: empty },
      ].map(({ name, program }) => ({
        name,
        run: async () => {
          const sample = {
            ...(await peaks("preview", () => program.preview())),
            ...(await peaks("update", () => program.up(100))),
          };
          await program.up(0);
          return sample;
        },
      })),
    ];
  },
};

async function peaks(what: string, work: () => Promise<unknown>): Promise<Sample> {
  const measured = await peakMemory(work);
  return Object.fromEntries([...measured].map(([kind, peak]) => [`${what}: ${kind}`, peak]));
}
