import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../../catalog";
import { httpRoute } from "../../../cluster/httpRoute";
import { addressOf } from "../../../cluster/names";
import {
  ALL_LEGACY,
  BACKENDS,
  type Backend,
  type Split,
  allOn,
  nextRecord,
  splitHash,
} from "../../../migration";
import { splits } from "../migration/arbitraries";

const now = new Date("2025-08-11T09:00:00Z");
const images = { blue: "registry/app:1", green: "registry/app:2" };
const half: Split = { legacy: 50, blue: 50, green: 0 };

describe("the route of a target with sessions", () => {
  it("sends a user whose cookie names a weighted backend there, and everybody else by the weights", () => {
    fc.assert(
      fc.property(splits, fc.constantFrom(...BACKENDS), (split, backend) => {
        const answer = ask("frontend", split, { cookie: `a=b; pyairtable-backend=${backend}; c=d` });
        const expected = split[backend] > 0 ? { [backend]: 100 } : weightsOf(split);
        assert.deepEqual(answer.weights, expected);
      }),
    );
  });

  it("sends who asks by header to that backend, whatever the cookie and the weight", () => {
    fc.assert(
      fc.property(
        splits,
        fc.constantFrom(...BACKENDS),
        fc.constantFrom(...BACKENDS),
        (split, asked, kept) => {
          const headers = { "x-pyairtable-backend": asked, cookie: `pyairtable-backend=${kept}` };
          assert.deepEqual(ask("frontend", split, headers).weights, { [asked]: 100 });
        },
      ),
    );
  });

  it("tells the split's hash by every rule", () => {
    fc.assert(
      fc.property(splits, (split) => {
        const hashes = rulesOf("frontend", split).map(({ filters }) =>
          headerIn(filters, "x-pyairtable-route"),
        );
        assert.deepEqual(new Set(hashes), new Set([splitHash("frontend", split)]));
      }),
    );
  });

  it("gives a cookie to whom the weights have chosen for, that of the backend which answers, and to nobody again", () => {
    fc.assert(
      fc.property(splits, (split) => {
        for (const backend of BACKENDS.filter((each) => split[each] > 0)) {
          const cookie = ask("frontend", split).cookies[backend];
          assert.equal(cookie, `pyairtable-backend=${backend}; Path=/; HttpOnly; SameSite=Lax`);
          const again = ask("frontend", split, { cookie: `pyairtable-backend=${backend}` });
          assert.deepEqual(again.cookies, { [backend]: undefined });
        }
      }),
    );
  });

  it("gives no cookie to who asks by header: a look at a candidate keeps nobody there", () => {
    assert.deepEqual(ask("frontend", half, { "x-pyairtable-backend": "blue" }).cookies, { blue: undefined });
  });

  it("has no rule for the cookie of a backend without weight", () => {
    const kept = (split: Split): readonly (Backend | undefined)[] =>
      BACKENDS.filter((backend) =>
        JSON.stringify(rulesOf("frontend", split)).includes(`backend=${backend}(`),
      );
    assert.deepEqual(kept(ALL_LEGACY), ["legacy"]);
    assert.deepEqual(kept(half), ["legacy", "blue"]);
    assert.deepEqual(kept(allOn("blue")), ["blue"]);
    assert.deepEqual(kept({ legacy: 0, blue: 70, green: 30 }), ["blue", "green"]);
  });

  for (const cookie of [
    "pyairtable-backend=blue",
    "a=b;pyairtable-backend=blue",
    "a=b; pyairtable-backend=blue",
    "pyairtable-backend=blue; pyairtable-session=x",
  ]) {
    it(`knows the cookie in "${cookie}"`, () => {
      assert.deepEqual(ask("frontend", half, { cookie }).weights, { blue: 100 });
    });
  }

  for (const cookie of [
    "pyairtable-backend=blue2",
    "pyairtable-backend=bluepyairtable-backend=legacy",
    "not-pyairtable-backend=blue",
    "a=pyairtable-backend=blue",
    "pyairtable-backend=purple",
    "pyairtable-backend=",
  ]) {
    it(`takes "${cookie}" for no choice`, () => {
      assert.deepEqual(ask("frontend", half, { cookie }).weights, weightsOf(half));
    });
  }

  it("lets the cookie travel by HTTPS only where users come by HTTPS", () => {
    const cookie = ask("frontend", ALL_LEGACY, {}, 443).cookies.legacy;
    assert.equal(cookie, "pyairtable-backend=legacy; Path=/; HttpOnly; SameSite=Lax; Secure");
  });
});

describe("the route of any other target", () => {
  it("knows no cookie: its clients keep none", () => {
    for (const target of routedTargets.filter((name) => name !== "frontend")) {
      assert(!/cookie/i.test(JSON.stringify(rulesOf(target, half))), target);
    }
  });
});

describe("the route of every target", () => {
  it("serves the public and the internal name by the same rules", () => {
    for (const target of routedTargets) {
      assert.deepEqual(routeOf(target, half).spec.hostnames, [
        `${target}.pyairtable.example`,
        `${target}.apps.internal`,
      ]);
    }
  });
});

const valueSchema = z.object({ name: z.string(), value: z.string() });
const filtersSchema = z.array(
  z.object({
    responseHeaderModifier: z.object({ set: z.array(valueSchema), add: z.array(valueSchema).default([]) }),
  }),
);
const rulesSchema = z.array(
  z.object({
    matches: z.array(
      z.object({
        headers: z.array(valueSchema.extend({ type: z.enum(["Exact", "RegularExpression"]) })).default([]),
      }),
    ),
    filters: filtersSchema,
    backendRefs: z.array(z.object({ name: z.string(), weight: z.int(), filters: filtersSchema })),
  }),
);
type Rule = z.infer<typeof rulesSchema>[number];

function routeOf(
  target: RoutedTargetName,
  split: Split,
  publicPort = 80,
): ReturnType<typeof httpRoute<string>> {
  const wanted = { split, images, legacy: "standby", adopt: false } as const;
  return httpRoute({
    target: catalogEntry(target),
    namespace: "apps",
    gateway: "apps",
    record: nextRecord(target, undefined, wanted, now),
    ...addressOf(target, { domain: "pyairtable.example", namespace: "apps", publicPort }),
  });
}

function rulesOf(target: RoutedTargetName, split: Split, publicPort?: number): readonly Rule[] {
  return rulesSchema.parse(routeOf(target, split, publicPort).spec.rules);
}

interface Routed {
  /** Percent per backend that may answer. */
  readonly weights: Readonly<Partial<Record<Backend, number>>>;
  /** The cookie that each of them sets. */
  readonly cookies: Readonly<Partial<Record<Backend, string | undefined>>>;
}

/** Routes a request as the Gateway API says: of the rules that match, the one with the most header matches, then the first. */
function ask(
  target: RoutedTargetName,
  split: Split,
  headers: Readonly<Record<string, string>> = {},
  publicPort?: number,
): Routed {
  const matching = rulesOf(target, split, publicPort).flatMap((rule) =>
    rule.matches
      .filter((match) => match.headers.every((header) => holdsFor(header, headers)))
      .map((match) => ({ rule, precision: match.headers.length })),
  );
  const [best] = matching.toSorted((a, b) => b.precision - a.precision);
  assert(best);
  const refs = best.rule.backendRefs.filter(({ weight }) => weight > 0);
  const sum = refs.reduce((total, { weight }) => total + weight, 0);
  const named = refs.map(({ filters, weight }) => {
    const backend = BACKENDS.find((each) => each === headerIn(filters, "x-pyairtable-backend"));
    assert(backend);
    return { backend, weight: (100 * weight) / sum, cookie: headerIn(filters, "Set-Cookie") };
  });
  return {
    weights: Object.fromEntries(named.map(({ backend, weight }) => [backend, weight])),
    cookies: Object.fromEntries(named.map(({ backend, cookie }) => [backend, cookie])),
  };
}

/** A regular expression has to match the whole value, as in Envoy. */
function holdsFor(
  { type, name, value }: Rule["matches"][number]["headers"][number],
  headers: Readonly<Record<string, string>>,
): boolean {
  const found = headers[name.toLowerCase()];
  if (found === undefined) return false;
  return type === "Exact" ? found === value : new RegExp(`^(?:${value})$`).test(found);
}

function headerIn(filters: Rule["filters"], name: string): string | undefined {
  const changes = filters.flatMap(({ responseHeaderModifier: { set, add } }) => [...set, ...add]);
  return changes.find((change) => change.name === name)?.value;
}

function weightsOf(split: Split): Partial<Record<Backend, number>> {
  return Object.fromEntries(BACKENDS.filter((each) => split[each] > 0).map((each) => [each, split[each]]));
}
