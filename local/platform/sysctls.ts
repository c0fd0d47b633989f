import fs from "node:fs";
import path from "node:path";
import { stateDir } from "../paths";

/** What the kubelet and kube-proxy change on a machine, and what pods need to be routed. */
const names = [
  "net.ipv4.ip_forward",
  "net.ipv4.conf.all.route_localnet",
  "net.bridge.bridge-nf-call-iptables",
  "net.netfilter.nf_conntrack_max",
  "net.netfilter.nf_conntrack_tcp_timeout_established",
  "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
  "vm.overcommit_memory",
  "vm.panic_on_oom",
  "kernel.panic",
  "kernel.panic_on_oops",
  "kernel.keys.root_maxkeys",
  "kernel.keys.root_maxbytes",
];
const remembered = path.join(stateDir, "sysctls.json");

/** Remembers the machine's settings and turns on what pods need. */
export function prepareSysctls(): void {
  if (!fs.existsSync(remembered)) {
    const before = Object.fromEntries(names.filter(exists).map((name) => [name, read(name)]));
    fs.writeFileSync(remembered, JSON.stringify(before));
  }
  write("net.ipv4.ip_forward", "1");
  if (exists("net.bridge.bridge-nf-call-iptables")) write("net.bridge.bridge-nf-call-iptables", "1");
}

export function restoreSysctls(): void {
  if (!fs.existsSync(remembered)) return;
  const before = JSON.parse(fs.readFileSync(remembered, "utf8")) as Record<string, string>;
  for (const [name, value] of Object.entries(before)) if (read(name) !== value) write(name, value);
}

const file = (name: string): string => path.join("/proc/sys", ...name.split("."));
const exists = (name: string): boolean => fs.existsSync(file(name));
const read = (name: string): string => fs.readFileSync(file(name), "utf8").trim();
const write = (name: string, value: string): void => fs.writeFileSync(file(name), value);
