import { z } from "zod";
import { CHANGE_KINDS, OVERRIDABLE_RULES, ROLES } from "../migration";
import { timeSchema } from "./timeSchema";

/* What the freeze and its exceptions are made of: changes, sign-offs, overrides. */

function words(expected: string): z.ZodString {
  return z.string({ error: expected }).min(1, { error: expected });
}

const signOff = "a map with by, role, at, until and for";
export const signOffsSchema = z
  .array(
    z.strictObject(
      {
        by: words("who signs"),
        role: z.enum(ROLES, { error: ROLES.join(" or ") }),
        at: timeSchema,
        until: timeSchema,
        for: words("what is signed off: a ticket, or a phase"),
      },
      { error: signOff },
    ),
    { error: `a list, each ${signOff}` },
  )
  .default([]);

const change = "a map with image, kind, ticket and signOffs";
export const changesSchema = z
  .array(
    z.strictObject(
      {
        image: words("the image's digest (sha256:…)"),
        kind: z.enum(CHANGE_KINDS, { error: `one of ${CHANGE_KINDS.join(", ")}` }),
        ticket: words("the ticket that asks for it"),
        signOffs: signOffsSchema,
      },
      { error: change },
    ),
    { error: `a list, each ${change}` },
  )
  .default([]);

const override = "a map with rule, reason, approver and expires";
export const overridesSchema = z
  .array(
    z.strictObject(
      {
        rule: z.enum(OVERRIDABLE_RULES, { error: `one of ${OVERRIDABLE_RULES.join(", ")}` }),
        reason: words("why"),
        approver: words("who approved it"),
        expires: timeSchema,
      },
      { error: override },
    ),
    { error: `a list, each ${override}` },
  )
  .default([]);
