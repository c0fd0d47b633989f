import { z } from "zod";
import { timeSchema } from "./timeSchema";

const seconds = "a number of seconds above 0";
const ratio = "a share from 0 to 1";
const rate = "requests per second, 0 or more";
const requests = "a whole number of requests, 1 or more";

/** What legacy was measured to do, as `cutover baseline` writes it. */
export const baselineSchema = z
  .strictObject(
    {
      latencySeconds: z.number({ error: seconds }).gt(0, { error: seconds }),
      errorRatio: z.number({ error: ratio }).min(0, { error: ratio }).max(1, { error: ratio }),
      requestsPerSecond: z.number({ error: rate }).min(0, { error: rate }),
      requests: z.int({ error: requests }).min(1, { error: requests }),
      measuredAt: timeSchema,
    },
    { error: "a map with latencySeconds, errorRatio, requestsPerSecond, requests and measuredAt" },
  )
  .optional();
