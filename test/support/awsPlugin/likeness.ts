import { randomBytes } from "node:crypto";
import { type Properties, type Value, propertiesSchema } from "./account";
import { sdkType } from "./sdkTypes";

/** Where a resource is. */
export interface Place {
  readonly account: string;
  readonly region: string;
  /** On everything that can be tagged. */
  readonly defaultTags: Properties;
}

/** Properties by which AWS knows a resource: another value is another resource. */
const identifying = ["name", "bucket", "repository", "zoneId", "setIdentifier", "encryptionConfigurations"];

/** What the program leaves to AWS to name. */
const namings = ["name", "bucket"];

/** Ids as AWS gives them, for the types of which one can be seen from outside; of any other it is random. */
const ids: Readonly<Record<string, (inputs: Properties) => string>> = {
  "aws:route53/zone:Zone": () => `Z${hex(10).toUpperCase()}`,
  "aws:route53/record:Record": ({ zoneId, name, type, setIdentifier }) =>
    [zoneId, name, type, setIdentifier].filter((part) => typeof part === "string").join("_"),
  "aws:kms/key:Key": () => `${hex(4)}-${hex(2)}-${hex(2)}-${hex(2)}-${hex(6)}`,
};

export function idOf(type: string, inputs: Properties): string {
  const own = ids[type]?.(inputs);
  if (own !== undefined) return own;
  return nameIn(inputs) ?? `${resourceWord(type).toLowerCase()}-${hex(6)}`;
}

function nameIn({ name, bucket, repository }: Properties): string | undefined {
  const found = name ?? bucket ?? repository;
  return typeof found === "string" ? found : undefined;
}

/** What the program wants, with a name where it leaves that to AWS: the name that it had, or a new one. */
export function withName(type: string, name: string, wanted: Properties, before: Properties): Properties {
  const naming = namings.find((each) => sdkType(type)?.inputs.includes(each));
  if (naming === undefined || wanted[naming] !== undefined || wanted[`${naming}Prefix`] !== undefined)
    return wanted;
  return { ...wanted, [naming]: before[naming] ?? `${name}-${hex(4).slice(0, 7)}` };
}

export function isReplacedBy(changed: string): boolean {
  return identifying.includes(changed);
}

/** Whether the new one would have the old one's name, so that the old one must go first. */
export function isInItsOwnWay(wanted: Properties, before: Properties): boolean {
  return namings.every((naming) => wanted[naming] === before[naming]);
}

/** What AWS adds to what was wanted, as far as the SDK has a property for it. */
export function computed(
  type: string,
  id: string,
  inputs: Properties,
  { account, region, defaultTags }: Place,
): Properties {
  const name = nameIn(inputs) ?? id;
  const service = serviceOf(type);
  const tags = propertiesSchema.safeParse(inputs.tags).data ?? {};
  const known: Properties = {
    arn: arnOf(type, id, { account, region }),
    tagsAll: { ...defaultTags, ...tags },
    registryId: account,
    repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${name}`,
    zoneId: id,
    keyId: id,
    fqdn: name,
    nameServers: [1, 2, 3, 4].map((number) => `ns-${number}.standin-dns.example`),
    bucketDomainName: `${name}.s3.amazonaws.com`,
    bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    bucketRegion: region,
  };
  const made = [...(sdkType(type)?.computed ?? [])].flatMap(([output, declared]): [string, Value][] => {
    const value = known[output] ?? valueOf(declared, `${service}-${output}-of-${id}`);
    return value === undefined ? [] : [[output, value]];
  });
  return { ...(sdkType(type)?.inputs.includes("region") && { region }), ...Object.fromEntries(made) };
}

/** Of a property that nothing is known of but its type in TypeScript. */
function valueOf(declared: string, text: string): Value | undefined {
  if (declared === "string") return text;
  if (declared === "string[]") return [text];
  if (declared === "number") return 0;
  return declared === "boolean" ? false : undefined;
}

function arnOf(type: string, id: string, { account, region }: Omit<Place, "defaultTags">): string {
  const service = serviceOf(type);
  if (service === "s3") return `arn:aws:s3:::${id}`;
  if (service === "route53") return `arn:aws:route53:::${resourceWord(type).toLowerCase()}/${id}`;
  const where = service === "iam" ? "" : region;
  return `arn:aws:${service}:${where}:${account}:${resourceWord(type).toLowerCase()}/${id}`;
}

/** `aws:ecr/repository:Repository` is `ecr`. */
export function serviceOf(type: string): string {
  return /^aws:(\w+)\//.exec(type)?.[1] ?? type;
}

/** `aws:ecr/repository:Repository` is `Repository`. */
export function resourceWord(type: string): string {
  return type.slice(type.lastIndexOf(":") + 1);
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}
