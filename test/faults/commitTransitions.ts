import { setTraffic } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { formatSplit } from "../../migration";
import type { Transition } from "./transitions";

/** One commit for all of them. */
export async function commitTransitions(
  stack: LocalStack,
  transitions: readonly Transition[],
): Promise<void> {
  const subject = transitions.map(({ target, to }) => `${target} ${formatSplit(to)}`).join(", ");
  await stack.commit(subject, (text) =>
    transitions.reduce((edited, { target, to }) => setTraffic(edited, target, to), text),
  );
}
