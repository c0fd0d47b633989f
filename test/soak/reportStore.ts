import fs from "node:fs";
import path from "node:path";
import type { ZodType } from "zod";
import { writeAtomically } from "../../cutover/atomicWrite";

/** Where a soak keeps what its runs so far add up to. */
export interface ReportStore<R> {
  /** @returns undefined without one */
  readonly readReport: (file: string) => R | undefined;
  /** Whole or not at all, however this process ends. */
  readonly writeReport: (file: string, report: R) => void;
}

export function reportStore<R>(schema: ZodType<R>): ReportStore<R> {
  return {
    readReport: (file) =>
      fs.existsSync(file) ? schema.parse(JSON.parse(fs.readFileSync(file, "utf8"))) : undefined,
    writeReport: (file, report) => {
      fs.mkdirSync(path.dirname(file), { recursive: true });
      writeAtomically(file, `${JSON.stringify(report, undefined, 2)}\n`);
    },
  };
}
