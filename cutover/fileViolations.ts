import { type Subject, type Violation, judge, setAside } from "../migration";
import type { Survey } from "./survey";

/** What an update of the file as it is would be refused for. */
export function fileViolations({ judged }: Pick<Survey, "judged">): readonly Violation[] {
  const violations = judge(judged);
  const aside = new Set<Subject>(setAside(judged, violations).map(({ target }) => target));
  return violations.filter(({ rule, target }) => rule !== "drift" || !aside.has(target));
}
