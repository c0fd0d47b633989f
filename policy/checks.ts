import type { Check } from "./check";
import { containerResources } from "./containerResources";
import { disruptionBudgets } from "./disruptionBudgets";
import { encryptedBuckets } from "./encryptedBuckets";
import { encryptedStorage } from "./encryptedStorage";
import { imagesByDigest } from "./imagesByDigest";
import { privateDatabases } from "./privateDatabases";
import { productionDisruptionBudgets } from "./productionDisruptionBudgets";
import { productionReplicas } from "./productionReplicas";
import { productionScalers } from "./productionScalers";
import { protectedData } from "./protectedData";
import { publicBuckets } from "./publicBuckets";
import { restrictedPods } from "./restrictedPods";
import { servingProbes } from "./servingProbes";

/** All that the pack checks, in the order of docs/policy.md. */
export const checks: readonly Check[] = [
  imagesByDigest,
  restrictedPods,
  containerResources,
  servingProbes,
  disruptionBudgets,
  productionReplicas,
  productionScalers,
  productionDisruptionBudgets,
  publicBuckets,
  privateDatabases,
  encryptedStorage,
  encryptedBuckets,
  protectedData,
];
