import type { RoutedTargetName } from "../catalog";
import { Journal, isOfLevel } from "../cutover/journal";
import type { Project } from "../cutover/project";
import type { Intent, Intents } from "./intents";

/** In the journal of `cutover`, beside the checkout: `cutover resume` knows them too. */
export class JournalIntents implements Intents {
  /** One for each target: a journal ends all that it has begun. */
  private readonly begun = new Map<RoutedTargetName, Journal>();

  constructor(private readonly project: Project) {}

  begin({ since, ...intent }: Intent): Promise<string | undefined> {
    const journal = this.journal();
    if (journal === undefined) return Promise.resolve("the stack file is in no git repository");
    this.begun.set(intent.target, journal);
    return Promise.resolve(journal.begin({ command: "rollback", ...intent }, since));
  }

  end(target: RoutedTargetName): Promise<void> {
    this.begun.get(target)?.end();
    this.begun.delete(target);
    for (const { journal, intent } of this.dead()) if (intent.target === target) journal.discard(intent);
    return Promise.resolve();
  }

  left(): Promise<readonly Intent[]> {
    const intents = this.dead().map(({ intent: { target, split, from, because, since } }) => ({
      target,
      split,
      from,
      because: because ?? "a rollback that was cut short",
      since,
    }));
    return Promise.resolve(intents);
  }

  private dead() {
    const journal = this.journal();
    if (journal === undefined) return [];
    return journal.unfinished().flatMap((intent) =>
      // What somebody wanted forward is his to finish.
      intent.state !== "dead" || isOfLevel(intent) || intent.command !== "rollback"
        ? []
        : [{ journal, intent }],
    );
  }

  private journal(): Journal | undefined {
    return Journal.for(this.project.configFile, this.project.stack);
  }
}
