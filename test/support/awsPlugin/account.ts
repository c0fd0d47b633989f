import fs from "node:fs";
import path from "node:path";
import { z } from "zod";

/** A property's value, as the engine sends it. */
export type Value = null | boolean | number | string | readonly Value[] | Properties;
export interface Properties {
  readonly [name: string]: Value;
}

const valueSchema: z.ZodType<Value> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.number(), z.string(), z.array(valueSchema), propertiesSchema]),
);
export const propertiesSchema: z.ZodType<Properties> = z.lazy(() => z.record(z.string(), valueSchema));

const keptSchema = z.object({
  type: z.string(),
  id: z.string(),
  inputs: propertiesSchema,
  outputs: propertiesSchema,
});

/** A resource in the account. */
export type Kept = Readonly<z.infer<typeof keptSchema>>;

export const operations = ["create", "read", "update", "delete"] as const;
export type Operation = (typeof operations)[number];

const callSchema = z.object({ operation: z.enum(operations), type: z.string(), name: z.string() });
export type Call = Readonly<z.infer<typeof callSchema>>;

const faultSchema = z.object({
  /** Of the resources. */
  type: z.string(),
  operation: z.enum(operations),
  /** As AWS calls it: AccessDenied. */
  code: z.string(),
  /** Whether AWS has done it all the same. */
  done: z.boolean(),
});
export type Fault = Readonly<z.infer<typeof faultSchema>>;

const behaviourSchema = z.object({
  /** The account that the credentials belong to. */
  account: z.string(),
  /** Why AWS refuses the credentials, as AWS calls it: ExpiredToken. */
  refused: z.string().optional(),
  faults: z.array(faultSchema),
});
export type Behaviour = Readonly<z.infer<typeof behaviourSchema>>;

/**
 * The account that the stand-in has in place of one in AWS: a folder with what there is in it, how it behaves, and
 * what it was asked for. The plugin and the test that watches it each read it anew.
 */
export class Account {
  constructor(private readonly folder: string) {}

  get behaviour(): Behaviour {
    return behaviourSchema.parse(this.read("behaviour"));
  }

  set behaviour(behaviour: Behaviour) {
    this.write("behaviour", behaviour);
  }

  get resources(): readonly Kept[] {
    return z.array(keptSchema).parse(this.read("resources") ?? []);
  }

  get calls(): readonly Call[] {
    return z.array(callSchema).parse(this.read("calls") ?? []);
  }

  note(call: Call): void {
    this.write("calls", [...this.calls, call]);
  }

  forgetCalls(): void {
    this.write("calls", []);
  }

  find(type: string, id: string): Kept | undefined {
    return this.resources.find((kept) => kept.type === type && kept.id === id);
  }

  /** Adds it, or changes the one of its type and id. */
  put(resource: Kept): void {
    this.write("resources", [...this.without(resource), resource]);
  }

  remove(resource: Pick<Kept, "type" | "id">): void {
    this.write("resources", this.without(resource));
  }

  private without({ type, id }: Pick<Kept, "type" | "id">): readonly Kept[] {
    return this.resources.filter((kept) => kept.type !== type || kept.id !== id);
  }

  private read(name: string): unknown {
    const file = this.file(name);
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined;
  }

  /** At once or not at all: the other side may be reading. */
  private write(name: string, content: unknown): void {
    const unfinished = `${this.file(name)}.${process.pid}`;
    fs.writeFileSync(unfinished, JSON.stringify(content, undefined, 2));
    fs.renameSync(unfinished, this.file(name));
  }

  private file(name: string): string {
    return path.join(this.folder, `${name}.json`);
  }
}
