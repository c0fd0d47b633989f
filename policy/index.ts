import { PolicyPack } from "@pulumi/policy";
import { checks } from "./checks";
import { crossGuardPolicy } from "./crossGuard";

// Serves until the engine ends the process. Nothing is advice: what needn't be so isn't a policy.
new PolicyPack("pyairtable", { enforcementLevel: "mandatory", policies: checks.map(crossGuardPolicy) });
