import { z } from "zod";

const eks = "the name of an EKS cluster";

/** Which cluster the stack is on. A kubeconfig has credentials, so each user has one of his own. */
export const clusterSchema = z.strictObject(
  { eks: z.string({ error: eks }).regex(/^[0-9A-Za-z][\w-]{0,99}$/, { error: eks }) },
  { error: "a map with eks" },
);
