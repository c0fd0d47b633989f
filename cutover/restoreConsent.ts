import type { RoutedTargetName } from "../catalog";
import { type Compared, uncomparedText } from "./comparison";
import { canAsk, confirm } from "./confirm";
import { Refused } from "./refused";

export interface ConsentOptions {
  /** It was given on the command line. */
  readonly uncompared: boolean;
  readonly signal: AbortSignal;
}

/** To lose sight of what was written since: a consent of its own, that no `--yes` gives. */
export class Consent {
  constructor(private readonly options: ConsentOptions) {}

  /** @throws Refused when nobody has given it, and nobody can be asked */
  requireSomebody(why: string): void {
    if (this.options.uncompared || canAsk()) return;
    throw new Refused(
      `${why}\nfound no terminal to ask at, expected --uncompared, which says that you switch all the same; nothing was switched`,
    );
  }

  async to(compared: Compared): Promise<boolean> {
    const why = uncomparedText(compared);
    if (why === undefined) return true;
    this.requireSomebody(why);
    const { uncompared, signal } = this.options;
    return confirm("Switch all the same?", uncompared, signal, "--uncompared");
  }
}

/**
 * What answers again may have taken writes.
 * @throws Refused when it does
 */
export async function requireStillUnanswered(
  target: RoutedTargetName,
  comparison: Promise<Compared>,
): Promise<void> {
  if ((await comparison).unanswered !== undefined) return;
  throw new Refused(
    `${target}: its database answers again, expected it not to; nothing was switched. Ask again: now it can be listed what was written since`,
  );
}
