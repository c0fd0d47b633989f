import { z } from "zod";

const time = "a time in UTC (2025-08-11T09:00:00Z)";
export const timeSchema = z
  .string({ error: time })
  // Of a time without quotes the Pulumi CLI makes `2025-08-11 09:00:00 +0000 UTC`.
  .transform((text) => text.replace(/^(\S+) (\S+) \+0000 UTC$/, "$1T$2Z"))
  .refine((text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: time,
  })
  .transform((text) => new Date(text));
