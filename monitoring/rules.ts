import { stringify } from "yaml";
import { alertRules } from "./alertRules";
import type { MonitoredTarget } from "./monitoredTarget";
import { duration } from "./promql";
import { recordingRules } from "./recordingRules";
import type { RuleGroup } from "./rule";

/** All rules of one target: what is recorded, then the alerts that look at it, evaluated in this order. */
export function ruleGroups(monitored: MonitoredTarget): readonly RuleGroup[] {
  return [
    {
      name: `pyairtable-${monitored.target.name}`,
      interval: duration(monitored.timing.scrapeMs),
      rules: [...recordingRules(monitored), ...alertRules(monitored)],
    },
  ];
}

/** The text of a rule file. */
export function ruleFile(monitored: MonitoredTarget): string {
  return stringify({ groups: ruleGroups(monitored) }, { lineWidth: 0, aliasDuplicateObjects: false });
}
