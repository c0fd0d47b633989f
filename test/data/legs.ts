import { editStackFile, setTraffic } from "../../config/edit";
import { ALL_LEGACY, type Split } from "../../migration";
import { onBlue } from "../faults/transitions";
import { capacityKey, needing, target } from "./scene";

/** A target's data on its way with a step, there and back again. */
export const legNames = ["prepare", "to 50 %", "to 100 %", "rollback", "step out", "down"] as const;
export type LegName = (typeof legNames)[number];
/** `cutover migrate` does them. */
export type MigrationLeg = "prepare" | "down";
/** An update does them. */
export type UpdateLeg = Exclude<LegName, MigrationLeg>;

/** The step of each way. */
export const step = "2";

export interface Leg {
  /** What the stack file says besides, before. @default nothing else */
  readonly edit?: (text: string) => string;
  /** What `cutover` is told to do it. */
  readonly words: readonly string[];
  /** Where the traffic is afterwards, for a leg of which the file says that. `pulumi up` does that, too. */
  readonly to?: Split;
  readonly schema: "before" | "after";
  /** Whether there is evidence of the step. */
  readonly evidence: boolean;
  /** Whether nothing is left for an update to do. */
  readonly agreed: boolean;
}

const capacity = (text: string, pods: number): string => editStackFile(text, capacityKey, pods);
const advance = (percent: number): readonly string[] => [
  ...["advance", target, "--to", "blue", "--weight", String(percent), "--yes"],
];
const applied = { schema: "after", evidence: true, agreed: true } as const;

/** Blue grows before it gets traffic, after the step, and shrinks when it has lost it. */
export const legs = {
  prepare: {
    edit: (text) => capacity(needing(text, step), 2),
    words: ["migrate", target, "--prepare"],
    schema: "before",
    evidence: true,
    agreed: false,
  },
  "to 50 %": { words: advance(50), to: onBlue(50), ...applied },
  "to 100 %": { words: advance(100), to: onBlue(100), ...applied },
  rollback: {
    edit: (text) => capacity(text, 1),
    words: ["rollback", target],
    to: ALL_LEGACY,
    ...applied,
  },
  "step out": {
    edit: (text) => needing(text, undefined),
    words: ["update", "--yes"],
    ...applied,
  },
  down: {
    words: ["migrate", target, "--down", "--yes"],
    schema: "before",
    evidence: false,
    agreed: true,
  },
} satisfies Record<LegName, Leg>;

export function isMigration(leg: LegName): leg is MigrationLeg {
  return leg === "prepare" || leg === "down";
}

/** The stack file once the leg is done. */
export function after(text: string, { edit, to }: Leg): string {
  const edited = edit?.(text) ?? text;
  return to === undefined ? edited : setTraffic(edited, target, to);
}
