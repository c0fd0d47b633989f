import type { Figure } from "../figure";

/** What an engineer waits for before every change. */
export const preview: Figure = {
  name: "preview",
  title: "pulumi preview of the whole stack, nothing to change",
  measures: { preview: "s" },
  isTimed: true,
  baseline: "empty",
  async prepare(world) {
    const [empty, naive] = [await world.program("empty"), await world.program("naive")];
    return [
      { name: "local", run: async () => ({ preview: await world.preview() }) },
      { name: "empty", run: async () => ({ preview: await empty.preview() }) },
      { name: "naive", run: async () => ({ preview: await naive.preview() }) },
      { name: "naive, type-checked", run: async () => ({ preview: await naive.preview(typeChecked) }) },
    ];
  },
};

/** As the CLI does by itself. */
const typeChecked = { PULUMI_NODEJS_TRANSPILE_ONLY: "false" };
