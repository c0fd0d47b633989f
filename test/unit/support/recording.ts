import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { ReadResourceRequest, RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { getMonitor } from "@pulumi/pulumi/runtime/settings";

/** A resource as the program asked the engine for it. Other resources are given by name. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Absent directly under the stack. */
  readonly parent?: string;
  /** Absent for the default provider. */
  readonly provider?: string;
  /** Sorted. */
  readonly dependencies: readonly string[];
  readonly protect?: true;
  readonly retainOnDelete?: true;
  /** A secret stands as `{ "[secret]": value }`, what a preview can't know as `"[unknown]"`. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** A resource that the program asked the engine to read, and to leave alone. */
export interface Read extends Pick<Registered, "type" | "name" | "parent" | "provider"> {
  readonly id: string;
}

/** What a program did. */
export class Recording {
  constructor(
    /** In the order in which the engine was asked. */
    readonly resources: readonly Registered[],
    /** Messages of what failed in it; empty if it succeeded. */
    readonly failures: readonly string[],
    readonly reads: readonly Read[] = [],
  ) {}

  names(): string[] {
    return this.resources.map(({ name }) => name).sort();
  }

  ofType(type: string): Registered[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The one resource of that name. */
  named(name: string): Registered {
    const [found, ...others] = this.resources.filter((resource) => resource.name === name);
    assert(found, `no resource ${name} among ${this.names().join(", ")}`);
    assert.equal(others.length, 0, `more than one resource ${name}`);
    return found;
  }

  /** What the one resource of that name was asked to be. */
  inputs(name: string): Readonly<Record<string, unknown>> {
    return this.named(name).inputs;
  }
}

export interface RecordOptions {
  /** A preview, in which the ids of resources aren't known. @default false */
  readonly dryRun?: boolean;
  /** Called as each resource is registered; by throwing it makes the registration fail. */
  readonly onRegister?: (resource: Registered) => void;
}

/** How long a failed program gets to do something that it shouldn't. */
const millisecondsAfterFailure = 100;

/** Runs a program, which makes its components in `build`, against a mock engine until it has nothing left to do. */
export async function record(
  build: () => void,
  { dryRun = false, onRegister }: RecordOptions = {},
): Promise<Recording> {
  const resources: Registered[] = [];
  const reads: Read[] = [];
  const recordRegistered = (resource: Registered): void => {
    onRegister?.(resource);
    resources.push(resource);
  };
  await startMockEngine(dryRun, recordRegistered, (read) => reads.push(read));
  const failures = await failuresIn(build);
  // Promises that a failure left behind are forgotten, or Pulumi would call them leaks when the process exits.
  await startMockEngine(dryRun, () => undefined);
  return new Recording(resources, failures, reads);
}

async function startMockEngine(
  dryRun: boolean,
  onRegister: (resource: Registered) => void,
  onRead: (read: Read) => void = () => undefined,
): Promise<void> {
  const mocks: pulumi.runtime.Mocks = {
    call: () => ({}),
    newResource: ({ name, inputs }: { name: string; inputs: Record<string, unknown> }) => ({
      id: dryRun ? undefined : `id-of-${name}`,
      state: inputs,
    }),
  };
  await pulumi.runtime.setMocks(mocks, "pyairtable", "test", dryRun);
  const monitor: unknown = getMonitor();
  assert(monitor instanceof MockMonitor);
  // Mocks aren't told parents, dependencies and options; the requests to the engine have them all.
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (request: RegisterResourceRequest, callback) => {
    try {
      onRegister(registered(request));
    } catch (error) {
      callback(error, undefined);
      return;
    }
    await register(request, callback);
  };
  const read = monitor.readResource.bind(monitor);
  monitor.readResource = async (request: ReadResourceRequest, callback) => {
    onRead({ ...identityOf(request), id: request.getId() });
    await read(request, callback);
  };
}

function identityOf(
  request: ReadResourceRequest | RegisterResourceRequest,
): Pick<Registered, "type" | "name" | "parent" | "provider"> {
  const provider = request.getProvider();
  return {
    type: request.getType(),
    name: request.getName(),
    ...(request.getParent() !== "" && { parent: nameOf(request.getParent()) }),
    ...(provider !== "" && { provider: nameOf(provider) }),
  };
}

function registered(request: RegisterResourceRequest): Registered {
  return {
    ...identityOf(request),
    dependencies: request.getDependenciesList().map(nameOf).sort(),
    ...(request.getProtect() === true && { protect: true }),
    ...(request.getRetainondelete() === true && { retainOnDelete: true }),
    inputs: Object.fromEntries(
      Object.entries(request.getObject()?.toJavaScript() ?? {}).map(([key, value]) => [key, readable(value)]),
    ),
  };
}

/** The name in a URN, or in a reference to a provider (`urn::id`). */
function nameOf(urn: string): string {
  return urn.split("::")[3] ?? urn;
}

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function readable(value: unknown): unknown {
  if (value === unknownValue) return "[unknown]";
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value);
  const isSecret = members.some(([key, member]) => key === signature && member === secretSignature);
  if (isSecret) return { "[secret]": readable(members.find(([key]) => key === "value")?.[1]) };
  return Object.fromEntries(members.map(([key, member]) => [key, readable(member)]));
}

/** Runs `build` to its end or its first failure. A failed output is a rejection that nobody handles. */
async function failuresIn(build: () => void): Promise<string[]> {
  const failures = new Set<string>();
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const failed = new Promise<void>((resolve) => {
    process.on("unhandledRejection", (error) => {
      failures.add(error instanceof Error ? error.message : String(error));
      resolve();
    });
  });
  try {
    const before = pendingWork();
    build();
    // What waits for something that failed waits for ever.
    const ended = pulumi.runtime.disconnect().then(() => workDownTo(before));
    await Promise.race([ended, failed.then(() => sleep(millisecondsAfterFailure))]);
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
  }
  return [...failures];
}

/** As the real engine's program ends when its event loop is empty: also awaits what no resource waits for. */
async function workDownTo(before: number): Promise<void> {
  do await sleep(1);
  while (pendingWork() > before);
}

/** Open connections and running timers. */
function pendingWork(): number {
  const pending = ["TCPSocketWrap", "TCPConnectWrap", "Timeout"];
  return process.getActiveResourcesInfo().filter((type) => pending.includes(type)).length;
}
