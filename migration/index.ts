export { consumerOf } from "./consumer";
export { applyStep, candidateOf, formatStep, grownTo, stepsToExtracted } from "./plan";
export type { PlannedStep } from "./plan";
export { fromRoute, isTampered, toAnnotations } from "./routeRecord";
export type { Images, LegacyState, LiveRoute, RouteRecord, TamperedRoute } from "./routeRecord";
export { judge, setAside } from "./rules";
export type { JudgeInput } from "./rules";
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
export { deriveStage, inFlight, soakEnds } from "./stage";
export type { Stage } from "./stage";
export { formatTime } from "./time";
export { nextRecord } from "./transition";
export type { WantedTarget } from "./transition";
export { formatViolations } from "./violation";
export type { Violation } from "./violation";
export { isWayBack, waysBack } from "./wayBack";
