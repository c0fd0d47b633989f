export { callersOf, comesBefore } from "./relations";
export { catalogEntry } from "./targets";
export { routedTargets, storePorts, targetNames } from "./types";
export type {
  CatalogEntry,
  InfrastructureTarget,
  Probe,
  Resources,
  RoutedTarget,
  RoutedTargetName,
  SmokeCheck,
  Store,
  TargetName,
  Workload,
} from "./types";
