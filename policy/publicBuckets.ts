import { bucketAcls, bucketPolicy, buckets, publicAccessBlocks } from "./awsTypes";
import type { Finding, ResourceCheck } from "./check";
import { type Value, at, isNot, itemsAt, plain, shown } from "./value";

export const publicBuckets: ResourceCheck = {
  name: "public-buckets",
  description:
    "No S3 bucket is public: not by its ACL, a grant or its policy, nor by a public access block that doesn't block.",
  find: ({ type, properties }) => {
    if (publicAccessBlocks.includes(type)) return openBlock(properties);
    if (type === bucketPolicy) return openPolicy(properties);
    if (bucketAcls.includes(type)) return openAcl(properties);
    return buckets.includes(type) ? [...openAcl(properties), ...openPolicy(properties)] : [];
  },
};

const publicAcls: readonly Value[] = ["public-read", "public-read-write", "authenticated-read"];
/** Groups that everybody, or everybody with an AWS account, is in. */
const publicGroups = /\/global\/(AllUsers|AuthenticatedUsers)$/;

function openAcl(properties: Value): Finding[] {
  const acl = at(properties, "acl");
  const grantees = [
    // In a bucket and in an ACL of its own.
    ...itemsAt(properties, "grants").map((grant) => at(grant, "uri")),
    ...itemsAt(properties, "accessControlPolicy", "grants").map((grant) => at(grant, "grantee", "uri")),
  ];
  const open = grantees.filter((uri) => typeof uri === "string" && publicGroups.test(uri));
  return [
    ...(publicAcls.includes(acl)
      ? [
          {
            found: `acl: ${shown(acl)}`,
            expected: '"private"',
            remedy: "take the ACL out; private is the default",
          },
        ]
      : []),
    ...open.map((uri) => ({
      found: `a grant to ${shown(uri)}`,
      expected: "grants to named accounts only",
      remedy: "take the grant out",
    })),
  ];
}

const switches = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

function openBlock(properties: Value): Finding[] {
  const off = switches.filter((name) => isNot(at(properties, name), true));
  if (off.length === 0) return [];
  return [
    {
      found: off.map((name) => `${name}: ${shown(at(properties, name))}`).join(", "),
      expected: "true for each",
      remedy: "what isn't set is off",
    },
  ];
}

function openPolicy(properties: Value): Finding[] {
  const policy = at(properties, "policy");
  const document = typeof policy === "string" ? parsed(policy) : policy;
  const statement = at(document, "Statement");
  const statements: Value[] = Array.isArray(statement) ? itemsAt(document, "Statement") : [statement];
  return statements.filter(isForEverybody).map((open) => ({
    found: `a policy that allows ${shown(at(open, "Action"))} to everybody`,
    expected: "a principal, or a condition",
    remedy: "name who may, or put CloudFront in front",
  }));
}

function isForEverybody(statement: Value): boolean {
  const principal = at(statement, "Principal");
  const isAnybody = [principal, at(principal, "AWS"), ...itemsAt(principal, "AWS")].includes("*");
  return isAnybody && at(statement, "Effect") === "Allow" && at(statement, "Condition") === undefined;
}

/** What is no JSON, AWS refuses itself. */
function parsed(json: string): Value {
  try {
    return plain(JSON.parse(json));
  } catch {
    return undefined;
  }
}
