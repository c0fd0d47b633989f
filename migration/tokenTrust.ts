import type { Backend } from "./split";

/**
 * Whose tokens each backend accepts. Which keys make it so is nobody's business here: what isn't known can't be
 * printed.
 */
export type TokenTrust = Readonly<Record<Backend, readonly Backend[]>>;
