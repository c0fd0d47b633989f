import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { ConfigError } from "../../../config/problem";

/** Configs as they stand in a stack file, all valid, for tests to spoil. */

export type Entry = Record<string, unknown>;
export type File = Record<string, Entry>;

export const digest = `registry/app@sha256:${"a".repeat(64)}`;

const onLegacy = { traffic: { legacy: 100, blue: 0, green: 0 } };

/** A valid file; `changes` are merged into the entries (without namespace) that they name. */
export function stackFile(changes: File = {}): File {
  const valid: File = {
    migration: { phase: "full-freeze", soakHours: 24 },
    platform: {
      environment: "production",
      gatewayClass: "contour",
      domain: "pyairtable.example",
      legacyHost: "10.0.0.7",
      proxies: ["127.0.0.1:8080"],
      internalGateway: { address: "10.0.0.80", port: 80 },
    },
    frontend: { ...onLegacy, blue: digest },
    "api-gateway": onLegacy,
    "auth-service": onLegacy,
    "llm-orchestrator": onLegacy,
    "mcp-server": onLegacy,
    "airtable-gateway": onLegacy,
    automation: onLegacy,
    infrastructure: { owner: "terraform" },
    docs: onLegacy,
    staging: { stack: "staging" },
  };
  const names = new Set([...Object.keys(valid), ...Object.keys(changes)]);
  return Object.fromEntries(
    [...names].map((name) => [`pyairtable:${name}`, { ...valid[name], ...changes[name] }]),
  );
}

/** Every problem that is told of, in order. */
export function problemsOf(raw: Record<string, unknown>): readonly string[] {
  try {
    parseStackConfig(raw);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}
