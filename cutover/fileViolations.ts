import { type Violation, judge, setAside } from "../migration";
import type { Survey } from "./survey";

/** What an update of the file as it is would be refused for. */
export function fileViolations({ config, live, applied, situation }: Survey): readonly Violation[] {
  const wanted = new Map(situation.targets.map((each) => [each.target, each.wanted]));
  const input = { live, applied, wanted, soakHours: config.migration.soakHours, now: situation.at };
  const violations = judge(input);
  const aside = setAside(input, violations);
  return violations.filter((violation) => !aside.includes(violation));
}
