import type { Environment } from "../config/environment";
import type { Value } from "./value";

/** A resource as a check sees it. */
export interface Resource {
  /** `kubernetes:apps/v1:Deployment` */
  readonly type: string;
  readonly urn: string;
  readonly properties: Value;
  /** The resource option `protect`. */
  readonly isProtected: boolean;
  /** Production for all that doesn't say where it belongs. */
  readonly environment: Environment;
}

/** Something that is against a policy. */
export interface Finding {
  /** What of the resource: `container service`. @default the whole of it */
  readonly part?: string;
  readonly found: string;
  readonly expected: string;
  /** What to do about it. */
  readonly remedy: string;
}

interface Described {
  /** In kebab case; shown with each refusal. */
  readonly name: string;
  /** One sentence that says what must be so. */
  readonly description: string;
}

/** A policy about one resource, judged before it is made or changed. */
export interface ResourceCheck extends Described {
  readonly find: (resource: Resource) => readonly Finding[];
}

/** A policy about several resources together, judged when all of them are known: at the end of a preview or update. */
export interface StackCheck extends Described {
  readonly findAmong: (resources: readonly Resource[]) => readonly (Finding & { readonly of: Resource })[];
}

export type Check = ResourceCheck | StackCheck;

/** `container service: found …, expected …; what to do` */
export function sentence({ part, found, expected, remedy }: Finding): string {
  return `${part === undefined ? "" : `${part}: `}found ${found}, expected ${expected}; ${remedy}`;
}
