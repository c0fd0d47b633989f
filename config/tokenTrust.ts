import { BACKENDS, COLORS, type TokenTrust } from "../migration";
import type { AuthServiceConfig } from "./parse";
import { UNREADABLE } from "./unreadable";

type Keys = Pick<AuthServiceConfig, "signingKey" | "secrets">;

/**
 * Whose tokens each backend accepts: those of the key that it signs with, and of the other one that it is told to
 * accept. The monorepo is taken to have the shared key and no other. Undefined where a key can't be read here.
 */
export function tokenTrust({ signingKey, secrets }: Keys): TokenTrust | undefined {
  if (signingKey === undefined) return undefined;
  const signs = {
    legacy: signingKey,
    blue: secrets.blue["SIGNING_KEY"] ?? signingKey,
    green: secrets.green["SIGNING_KEY"] ?? signingKey,
  };
  const also = Object.fromEntries(COLORS.map((color) => [color, secrets[color]["ACCEPTED_SIGNING_KEY"]]));
  if ([...Object.values(signs), ...Object.values(also)].includes(UNREADABLE)) return undefined;
  const acceptedBy = (backend: (typeof BACKENDS)[number]) =>
    BACKENDS.filter((signer) => [signs[backend], also[backend]].includes(signs[signer]));
  return { legacy: acceptedBy("legacy"), blue: acceptedBy("blue"), green: acceptedBy("green") };
}
