export { editStackFile, removeFromStackFile, setTraffic } from "./edit";
export { loadStackConfig } from "./load";
export { parseStackConfig } from "./parse";
export type { AuthServiceConfig, StackConfig, TargetConfig, Variables } from "./parse";
export { ConfigError } from "./problem";
