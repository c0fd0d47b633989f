import assert from "node:assert/strict";
import { releasePolicy } from "../../../components/releasePolicy";

const peers = {
  gateway: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "projectcontour" } } }],
  controlPlaneCidrs: ["10.0.0.0/20"],
  legacyHost: "10.1.2.3",
};
const podLabels = { app: "it" };

describe("a release's network policy", () => {
  it("lets the data plane and the API server call it, and nobody else", () => {
    assert.deepEqual(releasePolicy({ podLabels, callsInternet: false, peers }).ingress, [
      { from: [...peers.gateway, { ipBlock: { cidr: "10.0.0.0/20" } }], ports: [{ port: "http" }] },
    ]);
  });

  it("lets it call public addresses by HTTPS only if the target needs to, and never where clouds keep credentials", () => {
    const toInternet = {
      to: [
        {
          ipBlock: {
            cidr: "0.0.0.0/0",
            except: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"],
          },
        },
      ],
      ports: [{ port: 443 }],
    };
    const closed = releasePolicy({ podLabels, callsInternet: false, peers }).egress;
    assert.deepEqual(releasePolicy({ podLabels, callsInternet: true, peers }).egress, [
      ...(Array.isArray(closed) ? closed : []),
      toInternet,
    ]);
    assert(!JSON.stringify(closed).includes("0.0.0.0/0"));
  });
});
