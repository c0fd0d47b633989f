import { routedTargets } from "../../catalog";
import { editStackFile } from "../../config/edit";

/** What the plan says about when, which most tests are not about. */
const rules = ["order", "retired-after-callers", "freeze"];

/** The text of a stack file in which every target may move when a test likes. */
export function outOfOrder(text: string): string {
  const overrides = (rule: string): Record<string, string> => ({
    rule,
    reason: "a test of something else",
    approver: "the test",
    expires: "2125-01-01T00:00:00Z",
  });
  const allowed = routedTargets.reduce(
    (edited, target) =>
      editStackFile(edited, ["config", `pyairtable:${target}`, "overrides"], rules.map(overrides)),
    text,
  );
  return editStackFile(allowed, ["config", "pyairtable:infrastructure", "overrides"], [overrides("order")]);
}
