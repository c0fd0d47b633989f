import type { types } from "@pulumi/kubernetes";

type Rule = types.input.networking.v1.NetworkPolicyEgressRule;

/** Private ranges, and the link-local one that clouds serve credentials on. */
const notPublic = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"];

/** To the cluster's DNS. */
export const clusterDns: Rule = {
  to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } }],
  ports: [
    { port: 53, protocol: "UDP" },
    { port: 53, protocol: "TCP" },
  ],
};

/** HTTPS to public addresses. */
export const publicHttps: Rule = {
  to: [{ ipBlock: { cidr: "0.0.0.0/0", except: notPublic } }],
  ports: [{ port: 443 }],
};
