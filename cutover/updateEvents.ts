import { stripVTControlCharacters } from "node:util";
import type { EngineEvent, OpType } from "@pulumi/pulumi/automation";

/** How far an update is. */
export interface UpdateProgress {
  /** Resources dealt with. */
  readonly done: number;
  /** Of how many: as many as the stack has, or more when more have been seen. Undefined on a stack without any. */
  readonly total: number | undefined;
  /** "updating frontend-traffic-route": what was begun last of all that goes on; absent while nothing is changed. */
  readonly current?: string;
}

/** What the events of an update or a preview add up to. */
export class UpdateEvents {
  private readonly begun = new Set<string>();
  private readonly ended = new Set<string>();
  private readonly changing = new Map<string, string>();
  private readonly found = {
    error: new Set<string>(),
    warning: new Set<string>(),
    refusal: new Set<string>(),
  };
  private counts: Readonly<Record<string, number>> = {};

  /** @param expected how many resources the stack has */
  constructor(
    private readonly expected = 0,
    private readonly onProgress?: (progress: UpdateProgress) => void,
  ) {}

  /** How many resources by what was done to them; empty without a summary, which the last event brings. */
  get changes(): Readonly<Record<string, number>> {
    return this.counts;
  }

  get errors(): readonly string[] {
    return [...this.found.error];
  }

  get warnings(): readonly string[] {
    return [...this.found.warning];
  }

  /** What policies don't let pass: `production-replicas: docs-blue-deployment: found …`. */
  get refusals(): readonly string[] {
    return [...this.found.refusal];
  }

  take(event: EngineEvent): void {
    const { diagnosticEvent, summaryEvent, policyEvent } = event;
    if (diagnosticEvent?.severity === "error" || diagnosticEvent?.severity === "warning") {
      const text = withResource(plainWords(diagnosticEvent.message), diagnosticEvent.urn);
      if (!isNoise(text)) this.found[diagnosticEvent.severity].add(text);
    }
    if (policyEvent?.enforcementLevel === "mandatory") {
      const words = withResource(plainWords(policyEvent.message), policyEvent.resourceUrn);
      this.found.refusal.add(`${policyEvent.policyName}: ${words}`);
    }
    if (summaryEvent) this.counts = { ...summaryEvent.resourceChanges };
    this.takeStep(event);
  }

  private takeStep({ resourcePreEvent, resOutputsEvent, resOpFailedEvent }: EngineEvent): void {
    const metadata = (resourcePreEvent ?? resOutputsEvent ?? resOpFailedEvent)?.metadata;
    if (metadata === undefined) return;
    const { urn, op, type } = metadata;
    // A refresh goes over every resource once more, beforehand.
    const counts = op !== "refresh";
    if (resourcePreEvent) {
      if (counts) this.begun.add(urn);
      const activity = activities[op];
      // The stack itself goes on from the first to the last moment.
      if (activity !== undefined && type !== stackType) this.changing.set(urn, `${activity} ${nameOf(urn)}`);
    } else {
      if (counts) this.ended.add(urn);
      this.changing.delete(urn);
    }
    const current = [...this.changing.values()].at(-1);
    const total = Math.max(this.expected, this.begun.size);
    this.onProgress?.({
      done: this.ended.size,
      total: this.expected === 0 ? undefined : total,
      ...(current !== undefined && { current }),
    });
  }
}

/** The type of the resource that stands for the stack itself. */
export const stackType = "pulumi:pulumi:Stack";

const activities: Readonly<Partial<Record<OpType, string>>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  replace: "replacing",
  "create-replacement": "replacing",
  "delete-replaced": "deleting the replaced",
  read: "reading",
  "read-replacement": "reading",
  refresh: "refreshing",
  discard: "letting go of",
  "discard-replaced": "letting go of the replaced",
  import: "adopting",
  "import-replacement": "adopting",
};

/** A message without colours, without Pulumi's introduction to an exception, and without the exception's stack. */
function plainWords(message: string): string {
  return stripVTControlCharacters(message)
    .replaceAll(/<\{%.*?%\}>/g, "")
    .replace(/^Running program '.*' failed with an unhandled exception:\n/, "")
    .replace(/^(<ref \*\d+> )?Error: /, "")
    .replaceAll(/\n {4,}at .*/g, "")
    .trim();
}

/** A provider's words don't say which resource they are about. */
function withResource(text: string, urn = ""): string {
  const name = urn.includes(`::${stackType}::`) ? "" : nameOf(urn);
  return text.includes(name) ? text : `${name}: ${text}`;
}

function isNoise(text: string): boolean {
  return text === "" || text === "update failed" || text === "preview failed";
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}
