import { type Environment, clusterIdentifierOf } from "../config/environment";
import { at, plain } from "./value";

const lessStrict: readonly Environment[] = ["local", "staging"];

/**
 * Where a resource belongs, by what the stack's own provider says. Neither the stack's name nor its tags are asked:
 * anybody can give those. Whatever isn't said to belong elsewhere is held to production's rules, the strictest.
 */
export function environmentOf(provider: { readonly props: unknown } | undefined): Environment {
  const identifier = at(plain(provider?.props), "clusterIdentifier");
  return lessStrict.find((environment) => clusterIdentifierOf(environment) === identifier) ?? "production";
}
