import fs from "node:fs";
import { type ExitCode, exitCodes } from "../cutover/exitCodes";
import { UsageError } from "../cutover/project";
import { Report } from "../cutover/report";
import { reason } from "../cluster/thrown";
import { parseIncident } from "./incidentFile";
import { replay, replayText } from "./replay";
import { windowMs } from "./window";

/** `cutover guard --dry-run INCIDENT.json`. @throws UsageError when it can't be read */
export function dryRun(file: string, json: boolean): ExitCode {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--dry-run: ${reason(error)}`);
  }
  const incident = parseIncident(text);
  if (typeof incident === "string") throw new UsageError(`${file} is no recorded incident:\n${incident}`);
  const replayed = replay(incident, windowMs);
  new Report({ json }).result(replayText(replayed), { deliveries: replayed });
  return exitCodes.done;
}
