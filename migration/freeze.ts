/** How much of the plan's feature freeze is in force. */
export const PHASES = ["full-freeze", "partial-thaw", "full-resumption"] as const;
export type Phase = (typeof PHASES)[number];

/** Whose approval the plan asks for. */
export const ROLES = ["product-manager", "technical-lead"] as const;
export type Role = (typeof ROLES)[number];

/** The plan's frozen and permitted activities, as kinds of change. */
export const CHANGE_KINDS = [
  "new-feature",
  "high-priority-feature",
  "major-refactoring",
  "dependency-upgrade",
  "architecture-change",
  "new-service",
  "performance-optimization",
  "ui-enhancement",
  "critical-bug-fix",
  "security-patch",
  "migration-activity",
  "repository-extraction",
  "rollback",
  "documentation",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** Somebody's approval, for as long as it holds. */
export interface SignOff {
  readonly by: string;
  readonly role: Role;
  readonly at: Date;
  readonly until: Date;
  /** A change's ticket, or a phase. */
  readonly for: string;
}

/** Why an image may change outside the first extraction. */
export interface Change {
  /** `sha256:…`, or the whole reference of an image without a digest. */
  readonly image: string;
  readonly kind: ChangeKind;
  readonly ticket: string;
  readonly signOffs: readonly SignOff[];
}

export function signOffHolds(signOff: SignOff, purpose: string, now: Date): boolean {
  return signOff.for === purpose && signOff.at <= now && now < signOff.until;
}

/**
 * Whose sign-offs a kind of change needs in a phase: one of each role, or `any` one; undefined where the phase
 * refuses the kind, whoever signs.
 */
export function approvalFor(kind: ChangeKind, phase: FrozenPhase): readonly Role[] | "any" | undefined {
  return approvals[phase][kind];
}

export type FrozenPhase = Exclude<Phase, "full-resumption">;

const permitted = {
  "critical-bug-fix": "any",
  "security-patch": "any",
  "migration-activity": "any",
  "repository-extraction": "any",
  rollback: "any",
  documentation: "any",
} as const;

const approvals: Readonly<
  Record<FrozenPhase, Readonly<Partial<Record<ChangeKind, readonly Role[] | "any">>>>
> = {
  "full-freeze": permitted,
  // "Critical bug fixes and high-priority features only", with both sign-offs.
  "partial-thaw": { ...permitted, "critical-bug-fix": ROLES, "high-priority-feature": ROLES },
};

/** What tells an image from others, whatever registry it lies in: the digest, or the whole reference without one. */
export function identityOf(image: string): string {
  const at = image.indexOf("@");
  return at === -1 ? image : image.slice(at + 1);
}
