export { callersOf, comesBefore } from "./relations";
export { catalogEntry } from "./targets";
export { routedTargets, targetNames } from "./types";
export type {
  CatalogEntry,
  InfrastructureTarget,
  Probe,
  Resources,
  RoutedTarget,
  RoutedTargetName,
  SmokeCheck,
  TargetName,
  Workload,
} from "./types";
