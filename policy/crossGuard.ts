import type {
  PolicyProviderResource,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { type Check, type Resource, sentence } from "./check";
import { environmentOf } from "./environment";
import { plain } from "./value";

/** A check as CrossGuard runs it. */
export function crossGuardPolicy(check: Check): ResourceValidationPolicy | StackValidationPolicy {
  const { name, description } = check;
  return "find" in check
    ? {
        name,
        description,
        validateResource: (given, report) => {
          for (const finding of check.find(seen(given))) report(sentence(finding));
        },
      }
    : {
        name,
        description,
        validateStack: ({ resources }, report) => {
          for (const finding of check.findAmong(resources.map(seen)))
            report(sentence(finding), finding.of.urn);
        },
      };
}

interface Given {
  readonly type: string;
  readonly urn: string;
  readonly props: unknown;
  readonly opts: PolicyResourceOptions;
  readonly provider?: PolicyProviderResource;
}

function seen({ type, urn, props, opts, provider }: Given): Resource {
  return {
    type,
    urn,
    properties: plain(props),
    isProtected: opts.protect,
    environment: environmentOf(provider),
  };
}
