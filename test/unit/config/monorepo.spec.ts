import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { problemsOf, stackFile } from "./stackFile";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGC1Yp0Kz9oo";
const ssh = { host: "ssh://deploy@10.10.0.10", hostKey, project: "pyairtable" };
const socket = { host: "unix:///var/run/docker.sock", project: "pyairtable" };

function problems(monorepo: Record<string, unknown>): readonly string[] {
  return problemsOf(stackFile({ monorepo })).map((line) => line.replaceAll("pyairtable:monorepo.", ""));
}

describe("pyairtable:monorepo", () => {
  it("may be absent", () => {
    assert.equal(parseStackConfig(stackFile()).monorepo, undefined);
  });

  it("is read with compose's own names", () => {
    assert.deepEqual(parseStackConfig(stackFile({ monorepo: ssh })).monorepo, {
      daemon: { kind: "ssh", user: "deploy", host: "10.10.0.10", hostKey },
      project: "pyairtable",
      containers: {
        frontend: "pyairtable-frontend-1",
        "api-gateway": "pyairtable-api-gateway-1",
        "auth-service": "pyairtable-auth-service-1",
        "llm-orchestrator": "pyairtable-llm-orchestrator-1",
        "mcp-server": "pyairtable-mcp-server-1",
        "airtable-gateway": "pyairtable-airtable-gateway-1",
        automation: "pyairtable-automation-1",
        docs: "pyairtable-docs-1",
      },
    });
  });

  it("is read with a port, and with names of its own", () => {
    const containers = { docs: "pyairtable_docs_1" };
    const { monorepo } = parseStackConfig(
      stackFile({ monorepo: { ...ssh, host: "ssh://deploy@monorepo.example:2222", containers } }),
    );
    assert.deepEqual(monorepo?.daemon, {
      kind: "ssh",
      user: "deploy",
      host: "monorepo.example",
      port: 2222,
      hostKey,
    });
    assert.equal(monorepo.containers.docs, "pyairtable_docs_1");
  });

  it("is read with a socket of this machine", () => {
    const { monorepo } = parseStackConfig(stackFile({ monorepo: socket }));
    assert.deepEqual(monorepo?.daemon, { kind: "unix", socket: "/var/run/docker.sock" });
  });

  const host = "expected ssh://user@host[:port], or unix:///path";
  const key = "the host's public key (ssh-ed25519 AAAA…, without a comment)";
  const cases: [string, Record<string, unknown>, ...string[]][] = [
    [
      "without a project",
      { host: socket.host },
      "project: found nothing, expected the name of a compose project",
    ],
    ["for a host without a user", { ...ssh, host: "ssh://h" }, `host: found "ssh://h", ${host}`],
    [
      "for a user that ssh would take for an option",
      { ...ssh, host: "ssh://-l@h" },
      `host: found "ssh://-l@h", ${host}`,
    ],
    [
      "for a host that ssh would take for one",
      { ...ssh, host: "ssh://u@-h" },
      `host: found "ssh://u@-h", ${host}`,
    ],
    [
      "for a port that is none",
      { ...ssh, host: "ssh://u@h:65536" },
      `host: found "ssh://u@h:65536", ${host}`,
    ],
    [
      "for tcp, which anybody could speak",
      { ...ssh, host: "tcp://h:2375" },
      `host: found "tcp://h:2375", ${host}`,
    ],
    [
      "by ssh without the host's key, because none is trusted on first use",
      { host: ssh.host, project: "pyairtable" },
      `hostKey: found nothing, expected ${key}, as host is reached by ssh`,
    ],
    [
      "for a key that is none",
      { ...ssh, hostKey: "SHA256:abc" },
      `hostKey: found "SHA256:abc", expected ${key}`,
    ],
    [
      "for a key where none belongs",
      { ...socket, hostKey },
      `hostKey: found "${hostKey}", expected no such key, as host is a socket`,
    ],
    [
      "for a container of no target",
      { ...socket, containers: { fronted: "web" } },
      "containers.fronted: found an unknown key, expected one of frontend, api-gateway, auth-service, llm-orchestrator, mcp-server, airtable-gateway, automation, docs; did you mean containers.frontend?",
    ],
    [
      "for a name that is none",
      { ...socket, containers: { docs: "a b" } },
      'containers.docs: found "a b", expected the name of a container',
    ],
    [
      "for one container of two targets",
      { ...socket, containers: { docs: "pyairtable-frontend-1" } },
      'containers.docs: found "pyairtable-frontend-1", expected a container of its own, not that of frontend',
    ],
  ];
  for (const [what, monorepo, ...expected] of cases) {
    it(`is refused ${what}`, () => assert.deepEqual(problems(monorepo), expected));
  }
});
