import { z } from "zod";
import { DATABASE_MODES } from "../database/access";
import { signOffsSchema } from "./freezeSchema";
import { anyImageSchema } from "./imageSchema";
import { UNREADABLE } from "./unreadable";

const mode = "read-write or read-only";
const instance = "the name of an instance (auth-service-postgresql)";
const kept = "a list of instances";
const password = "a string of 16 characters or more";
const poolSize = "an integer of 1 or more";
const ticket = "the ticket that asks for it";
const contract = "a map with ticket and signOffs";

/** Also the name of a StatefulSet, whose pods' label must hold it and a hash; RDS takes no double dash. */
export const instanceSchema = z
  .string({ error: instance })
  .max(50, { error: instance })
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, { error: instance });

/** `read-only` while the data must be protected: it holds for sessions that are open. */
export const modeSchema = z.enum(DATABASE_MODES, { error: mode }).optional();

/** The target's own database, and the step of its schema that the releases need. */
export const databaseSchema = z.strictObject(
  {
    /** The one in use. Default: `<target>-postgresql`; a restore writes another. */
    instance: instanceSchema.optional(),
    /** Instances that are not in use and not deleted either. Default: none. */
    kept: z.array(instanceSchema, { error: kept }).default([]),
    /** What the password of each role is derived from. A secret. */
    password: z
      .string({ error: password })
      .refine((text) => text.length >= 16 || text === UNREADABLE, { error: password }),
    /** How many connections one pod opens. A backend may have as many as all its pods. Default: 5. */
    poolSize: z.int({ error: poolSize }).min(1, { error: poolSize }).default(5),
    /** The image of the step, by digest outside the local stack. Default: none is needed. */
    migration: anyImageSchema.optional(),
    /** Who wants a step that old releases can't live with. Default: nobody, and it is refused. */
    contract: z
      .strictObject(
        { ticket: z.string({ error: ticket }).min(1, { error: ticket }), signOffs: signOffsSchema },
        { error: contract },
      )
      .optional(),
  },
  { error: "a map with password" },
);
