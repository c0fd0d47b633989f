import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import type { Images, JudgeInput, RouteRecord, Split, WantedTarget } from "../../../migration";
import { ALL_LEGACY, nextRecord } from "../../../migration";

export const soakHours = 24;
export const start = new Date("2025-08-11T09:00:00Z");

/** Any target with a route. */
export const targets = fc.constantFrom(...routedTargets);

/** Any valid split; the ends (all traffic on one backend) as often as the rest. */
export const splits: fc.Arbitrary<Split> = fc.oneof(
  fc.constantFrom<Split>(
    ALL_LEGACY,
    { legacy: 0, blue: 100, green: 0 },
    { legacy: 0, blue: 0, green: 100 },
    { legacy: 90, blue: 10, green: 0 },
    { legacy: 0, blue: 50, green: 50 },
  ),
  fc
    .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
    .map(([a, b]) => ({ legacy: Math.min(a, b), blue: Math.abs(a - b), green: 100 - Math.max(a, b) })),
);

const image = fc.option(fc.constantFrom("registry/app@sha256:1", "registry/app@sha256:2"), {
  nil: undefined,
});

export const images: fc.Arbitrary<Images> = fc.tuple(image, image).map(([blue, green]) => ({
  ...(blue !== undefined && { blue }),
  ...(green !== undefined && { green }),
}));

const oneContents = fc.record(
  { settings: fc.constantFrom("s1", "s2"), secrets: fc.constantFrom("p1", "p2") },
  { requiredKeys: [], noNullPrototype: true },
);

/** What a well-formed config can ask for: images where there is traffic, no traffic to a retired legacy. */
export const wantedTargets: fc.Arbitrary<WantedTarget> = fc
  .record({
    split: splits,
    images,
    retired: fc.boolean(),
    adopt: fc.boolean(),
    contents: fc.option(fc.record({ blue: oneContents, green: oneContents }, { noNullPrototype: true }), {
      nil: undefined,
    }),
  })
  .map(({ split, images: { blue, green }, retired, adopt, contents }) => ({
    split,
    images: {
      ...((split.blue > 0 || blue !== undefined) && { blue: blue ?? "registry/app@sha256:1" }),
      ...((split.green > 0 || green !== undefined) && { green: green ?? "registry/app@sha256:2" }),
    },
    ...(contents && { contents }),
    legacy: retired && split.legacy === 0 ? "retired" : "standby",
    adopt,
  }));

/** Some moments around the length of a soak. */
export const times = fc
  .integer({ min: 0, max: 3 * soakHours * 3_600_000 })
  .map((milliseconds) => new Date(start.getTime() + milliseconds));

/** Records as a history of one to four updates of `frontend` leaves them. */
export const records: fc.Arbitrary<RouteRecord> = fc
  .array(fc.tuple(wantedTargets, times), { minLength: 1, maxLength: 4 })
  .map(([first, ...rest]) => {
    const [wanted, time] = first ?? [calm(ALL_LEGACY), start];
    return rest.reduce(
      (live, [next, at]) => nextRecord("frontend", live, next, at),
      nextRecord("frontend", undefined, wanted, time),
    );
  });

/** A wanted target with both images and legacy as standby. */
export function calm(split: Split, change: Partial<WantedTarget> = {}): WantedTarget {
  return { split, images: { blue: "blue:1", green: "green:1" }, legacy: "standby", adopt: false, ...change };
}

/** What the rules are told where a test says nothing else: the freeze is over, and nothing is overridden. */
export function judgeInput(
  input: Pick<JudgeInput, "live" | "applied" | "wanted" | "now"> & Partial<JudgeInput>,
): JudgeInput {
  return {
    soakHours,
    ownership: { applied: "terraform", wanted: "terraform" },
    freeze: { phase: "full-resumption", applied: "full-resumption", signOffs: [], changes: new Map() },
    staging: undefined,
    evidence: undefined,
    overrides: [],
    tokens: new Map(),
    schemaSteps: new Map(),
    ...input,
  };
}

export function hoursLater(hours: number): Date {
  return new Date(start.getTime() + hours * 3_600_000);
}
