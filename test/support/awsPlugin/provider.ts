import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type Account, type Kept, type Operation, type Properties, propertiesSchema } from "./account";
import {
  type Place,
  computed,
  idOf,
  isInItsOwnWay,
  isReplacedBy,
  resourceWord,
  serviceOf,
  withName,
} from "./likeness";
import { sdkType } from "./sdkTypes";

/** A resource as the engine names it. */
export interface Named {
  readonly type: string;
  readonly name: string;
}

export interface Change {
  readonly property: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

export interface Made {
  readonly id: string;
  readonly outputs: Properties;
}

/** AWS has done it, and something went wrong after that. */
export class DoneAllTheSame extends Error {
  constructor(
    message: string,
    readonly made: Made & { readonly inputs: Properties },
  ) {
    super(message);
  }
}

const listSchema = z.array(z.string());
const tagsSchema = z.object({ tags: propertiesSchema });

/** As little of a provider as there must be of one for the engine to see no difference: no network, no schema. */
export class Provider {
  private place: Place | undefined;

  constructor(private readonly account: Account) {}

  /** Refuses credentials that AWS refuses, as the real one does before it does anything. */
  checkConfig(): string | undefined {
    const { refused } = this.account.behaviour;
    if (refused === undefined) return undefined;
    return `unable to validate AWS credentials.\nDetails: validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, ${apiError(refused)}\n`;
  }

  /** @throws Error if the credentials belong to an account that isn't allowed */
  configure(config: Properties): void {
    const { account } = this.account.behaviour;
    const allowed = parsedText(listSchema, config.allowedAccountIds);
    if (allowed !== undefined && !allowed.includes(account))
      throw new Error(`AWS account ID not allowed: ${account}`);
    const { region } = config;
    if (typeof region !== "string") throw new Error("invalid AWS Region: found none");
    this.place = {
      account,
      region,
      defaultTags: parsedText(tagsSchema, config.defaultTags)?.tags ?? {},
    };
  }

  /** What is wanted, completed; or the reason why that can't be. */
  check({ type, name }: Named, wanted: Properties, before: Properties): Properties | string {
    const known = sdkType(type);
    if (known === undefined) return `found ${type}, expected a type of resource that the SDK has`;
    const unknown = Object.keys(wanted).filter((property) => !known.inputs.includes(property));
    if (unknown.length > 0) return `found ${unknown.join(", ")}, which ${type} doesn't take`;
    return withName(type, name, wanted, before);
  }

  diff(wanted: Properties, before: Properties): { changes: readonly Change[]; deleteFirst: boolean } {
    const properties = [...new Set([...Object.keys(before), ...Object.keys(wanted)])];
    const changes = properties
      .filter((property) => !isDeepStrictEqual(before[property], wanted[property]))
      .map((property): Change => {
        const kind =
          before[property] === undefined ? "add" : wanted[property] === undefined ? "delete" : "update";
        return { property, kind, replaces: isReplacedBy(property) };
      });
    return { changes, deleteFirst: isInItsOwnWay(wanted, before) };
  }

  /** @returns without an id, and with nothing but what is wanted, in a preview: the rest isn't known before */
  create(resource: Named, inputs: Properties, isPreview: boolean): Made {
    if (isPreview) return { id: "", outputs: inputs };
    const { type } = resource;
    const id = idOf(type, inputs);
    return this.call("create", resource, id, () => {
      if (this.account.find(type, id) !== undefined)
        throw new Error(failure("create", type, id, `${resourceWord(type)}AlreadyExists`));
      return this.keep({ type, id, inputs, outputs: { ...computed(type, id, inputs, this.at), ...inputs } });
    });
  }

  update(resource: Named, id: string, inputs: Properties, outputs: Properties, isPreview: boolean): Made {
    const { type } = resource;
    const changed = { ...outputs, ...inputs };
    if (isPreview) return { id, outputs: changed };
    return this.call("update", resource, id, () =>
      this.keep({ type, id, inputs, outputs: { ...computed(type, id, inputs, this.at), ...inputs } }),
    );
  }

  /** @returns undefined if it is gone */
  read(resource: Named, id: string): Kept | undefined {
    const kept = this.account.find(resource.type, id);
    this.call("read", resource, id, () => ({ id, outputs: {}, inputs: {} }));
    return kept;
  }

  delete(resource: Named, id: string): void {
    this.call("delete", resource, id, () => {
      this.account.remove({ type: resource.type, id });
      return { id, outputs: {}, inputs: {} };
    });
  }

  /** @throws Error for a function that the stand-in doesn't know */
  invoke(token: string): Properties {
    const { account, region } = this.at;
    switch (token) {
      case "aws:index/getCallerIdentity:getCallerIdentity":
        return {
          accountId: account,
          arn: `arn:aws:iam::${account}:user/standin`,
          id: account,
          userId: "standin",
        };
      case "aws:index/getRegion:getRegion":
        return { name: region, region, id: region, description: region, endpoint: "" };
      default:
        throw new Error(`the stand-in for AWS doesn't know the function ${token}`);
    }
  }

  private get at(): Place {
    if (this.place === undefined) throw new Error("the provider is not configured");
    return this.place;
  }

  private keep(resource: Kept): Kept {
    this.account.put(resource);
    return resource;
  }

  /** Notes a call, and lets it fail. */
  private call(
    operation: Operation,
    resource: Named,
    id: string,
    act: () => Made & { readonly inputs: Properties },
  ): Made {
    this.account.note({ operation, ...resource });
    const fault = this.account.behaviour.faults.find(
      (each) => each.operation === operation && each.type === resource.type,
    );
    if (fault === undefined) return act();
    const message = failure(operation, resource.type, id, fault.code);
    throw fault.done ? new DoneAllTheSame(message, act()) : new Error(message);
  }
}

const gerunds: Readonly<Record<Operation, string>> = {
  create: "creating",
  read: "reading",
  update: "updating",
  delete: "deleting",
};
const verbs: Readonly<Record<Operation, string>> = {
  create: "Create",
  read: "Describe",
  update: "Put",
  delete: "Delete",
};

/** In the words of the real one. */
function failure(operation: Operation, type: string, id: string, code: string): string {
  const [service, word] = [serviceOf(type).toUpperCase(), resourceWord(type)];
  return `${gerunds[operation]} ${service} ${word} (${id}): operation error ${service}: ${verbs[operation]}${word}, ${apiError(code)}`;
}

function apiError(code: string): string {
  const said = messages[code] ?? "the stand-in was told to say so";
  return `https response error StatusCode: 403, RequestID: 00000000-0000-0000-0000-000000000000, api error ${code}: ${said}`;
}

const messages: Readonly<Record<string, string>> = {
  ExpiredToken: "The security token included in the request is expired",
  AccessDenied: "User is not authorized to perform this action because no identity-based policy allows it",
};

/** A provider's config is text, whatever it holds. */
function parsedText<T>(schema: z.ZodType<T>, text: unknown): T | undefined {
  return typeof text === "string" ? schema.parse(JSON.parse(text)) : undefined;
}
