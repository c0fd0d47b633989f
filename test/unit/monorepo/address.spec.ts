import assert from "node:assert/strict";
import { type DaemonAddress, formatAddress, sshOptions } from "../../../monorepo/address";

const ssh: DaemonAddress = { kind: "ssh", user: "deploy", host: "10.10.0.10", hostKey: "ssh-ed25519 AAAA" };

describe("a daemon's address", () => {
  it("is written as Docker's own tools take it", () => {
    assert.equal(formatAddress(ssh), "ssh://deploy@10.10.0.10");
    assert.equal(formatAddress({ ...ssh, port: 2222 }), "ssh://deploy@10.10.0.10:2222");
    assert.equal(formatAddress({ kind: "unix", socket: "/run/docker.sock" }), "unix:///run/docker.sock");
  });

  it("by ssh trusts the key in the config and no other, and asks nobody", () => {
    const options = sshOptions(ssh).filter((each) => each !== "-o");
    assert.deepEqual(options, [
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
      "UserKnownHostsFile=none",
      "GlobalKnownHostsFile=none",
      "VerifyHostKeyDNS=no",
      "KnownHostsCommand=/bin/echo %H ssh-ed25519 AAAA",
    ]);
  });

  it("on this machine needs no ssh", () => {
    assert.deepEqual(sshOptions({ kind: "unix", socket: "/run/docker.sock" }), []);
  });
});
