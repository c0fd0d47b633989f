export { consumerOf } from "./consumer";
export type { ColorContents, Contents } from "./contents";
export { applyStep, candidateOf, formatStep, grownTo, stepsToExtracted } from "./plan";
export type { PlannedStep } from "./plan";
export { believed, fromRoute, isTampered, toAnnotations } from "./routeRecord";
export type { Images, LegacyState, LiveRoute, RouteRecord, TamperedRoute } from "./routeRecord";
export { CHANGE_KINDS, PHASES, ROLES, identityOf } from "./freeze";
export type { Change, Phase, SignOff } from "./freeze";
export { OVERRIDABLE_RULES, formatOverride, isInForce } from "./override";
export type { Override } from "./override";
export { asksForEvidence, bringsBack, judge, judgeUpdate, needsStaging, setAside } from "./rules/judge";
export type { JudgeInput } from "./rules/judge";
export type { Owner } from "./rules/rule";
export { evidenceSubjects } from "./evidence";
export type { Doubt, Evidence, EvidenceSubject, Verdict } from "./evidence";
export type { Contraction, PreparedStep, SchemaStep, SchemaSteps, StepKind } from "./schemaStep";
export { withCompleted, wouldComplete } from "./staging";
export type { CompletedDigests, StagingEvidence } from "./staging";
export {
  ALL_LEGACY,
  allOn,
  BACKENDS,
  COLORS,
  formatSplit,
  holder,
  isTowardsLegacy,
  parseSplit,
  splitHash,
  splitsEqual,
} from "./split";
export type { Backend, Color, Split } from "./split";
export { deriveStage, inFlight, isThrough, soakEnds } from "./stage";
export type { Stage } from "./stage";
export { formatTime } from "./time";
export type { TokenTrust } from "./tokenTrust";
export { nextRecord } from "./transition";
export type { WantedTarget } from "./transition";
export { formatViolations } from "./violation";
export type { Subject, Violation } from "./violation";
export { formatMigrationState, migrationState } from "./watch";
export type { MigrationState } from "./watch";
export { PAST_CONTRACT, isWayBack, waysBack } from "./wayBack";
