import { Listr, ListrLogger, PRESET_TIMER, PRESET_TIMESTAMP, ProcessOutput } from "listr2";
import type { ListrDefaultRendererLogLevels, ListrLogLevels } from "listr2";

/** Says what a step is doing at this moment, for example "312 of 900 packages". */
export type Report = (detail: string) => void;

export interface Step {
  readonly title: string;
  readonly run: (report: Report) => Promise<void>;
}

/** Does steps one after the other, showing each; rejects with the first error. */
export type Progress = (steps: readonly Step[]) => Promise<void>;

/** How often a running step is shown, in ms: often where lines are overwritten, seldom where they pile up. */
const liveInterval = 1_000;
const plainInterval = 15_000;

/**
 * Shows steps on stderr (stdout belongs to what a command is asked for): live
 * on a terminal, else as plain lines with the time of day, at least one every
 * 15 s.
 */
export const showProgress: Progress = async (steps) => {
  // Some terminals of CI have no width, and lines can't be drawn over there.
  const isLive = process.stderr.isTTY && process.stderr.columns > 0;
  const processOutput = new ProcessOutput(process.stderr, process.stderr);
  const tasks = steps.map(({ title, run }) => ({
    title,
    task: async (_context: unknown, task: { output: string }): Promise<void> => {
      const started = Date.now();
      let detail = "";
      const show = (): void => {
        task.output = `${detail}${detail === "" ? "" : ", "}${elapsed(Date.now() - started)}`;
      };
      const timer = setInterval(show, isLive ? liveInterval : plainInterval);
      try {
        await run((text) => (detail = text));
      } finally {
        clearInterval(timer);
      }
    },
  }));
  await new Listr(tasks, {
    renderer: "default",
    fallbackRenderer: "verbose",
    fallbackRendererCondition: !isLive,
    // Who calls decides what a signal means.
    registerSignalListeners: false,
    rendererOptions: {
      logger: new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput }),
      timer: PRESET_TIMER,
    },
    fallbackRendererOptions: {
      logger: new ListrLogger<ListrLogLevels>({ processOutput }),
      timestamp: PRESET_TIMESTAMP,
      timer: PRESET_TIMER,
    },
  }).run();
};

/** A duration for people: "7 s", "3 min 5 s". */
export function elapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
