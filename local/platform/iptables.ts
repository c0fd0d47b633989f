import { execFileSync } from "node:child_process";

/** Removes every chain and rule that kube-proxy and the kubelet made; all others stay. */
export function deleteKubernetesRules(): void {
  for (const family of ["iptables", "ip6tables"]) {
    const rules = execFileSync(`${family}-save`, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    if (!rules.includes("KUBE-")) continue;
    const others = rules.split("\n").filter((line) => !line.includes("KUBE-"));
    execFileSync(`${family}-restore`, { input: others.join("\n") });
  }
}
