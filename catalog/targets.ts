import { answers, longestRequestSeconds, port, postExtraction, probes, smallService } from "./defaults";
import type { CatalogEntry, SmokeCheck, TargetName } from "./types";

/** The tools that the MCP server offers; the plan accepts it "with all 14 tools". */
const mcpTools = 14;

const listsAllTools: SmokeCheck = {
  name: `lists ${mcpTools} tools`,
  request: { method: "POST", path: "/mcp", body: { jsonrpc: "2.0", id: 1, method: "tools/list" } },
  expect: { status: 200, jsonArray: { pointer: "/result/tools", length: mcpTools } },
};

const catalog: { readonly [N in TargetName]: CatalogEntry<N> } = {
  frontend: {
    name: "frontend",
    repository: "pyairtable-frontend",
    tier: 1,
    priority: "P0",
    workload: {
      kind: "web",
      sessions: { cookie: "pyairtable-session" },
      staticAssets: { path: "/_next/static" },
    },
    port,
    legacyPort: 9101,
    probes,
    dependencies: ["api-gateway"],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/")],
    successCriteria: [
      "Frontend deploys independently in <5 minutes",
      "Zero user-reported issues during switch",
      "All features working in production",
      ...postExtraction,
    ],
  },
  "api-gateway": {
    name: "api-gateway",
    repository: "pyairtable-api-gateway",
    tier: 1,
    priority: "P0",
    // The plan keeps Python for immediate stability and archives the Go implementation.
    workload: { kind: "api", runtime: "python", archived: ["go"] },
    port,
    legacyPort: 9102,
    probes,
    dependencies: ["auth-service", "llm-orchestrator", "mcp-server", "airtable-gateway", "automation"],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/healthz")],
    successCriteria: [
      "All API endpoints respond correctly",
      "Response times within 20% of baseline",
      "Zero authentication failures",
      ...postExtraction,
    ],
  },
  "auth-service": {
    name: "auth-service",
    repository: "pyairtable-auth-service",
    tier: 1,
    priority: "P0",
    workload: { kind: "auth", signingKey: "shared" },
    port,
    legacyPort: 9103,
    probes,
    dependencies: [],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/healthz")],
    successCriteria: ["Authentication service cleaned and deployed", ...postExtraction],
  },
  "llm-orchestrator": {
    name: "llm-orchestrator",
    repository: "pyairtable-llm-orchestrator",
    tier: 1,
    priority: "P1",
    workload: { kind: "orchestrator", streams: true },
    port,
    legacyPort: 9104,
    probes,
    dependencies: ["mcp-server"],
    resources: smallService,
    longestRequestSeconds: 300,
    smokeChecks: [answers("/healthz")],
    successCriteria: ["LLM Orchestrator extracted and validated", ...postExtraction],
  },
  "mcp-server": {
    name: "mcp-server",
    repository: "pyairtable-mcp-server",
    tier: 2,
    priority: "P2",
    workload: { kind: "tools", tools: mcpTools },
    port,
    legacyPort: 9105,
    probes,
    dependencies: ["airtable-gateway"],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [listsAllTools],
    successCriteria: [`MCP Server extracted with all ${mcpTools} tools`, ...postExtraction],
  },
  "airtable-gateway": {
    name: "airtable-gateway",
    repository: "pyairtable-airtable-gateway",
    tier: 2,
    priority: "P2",
    // Airtable counts per base, whoever asks: while traffic is split, the backends share one allowance.
    workload: {
      kind: "external-api",
      rateLimit: { requestsPerSecond: 5, per: "base", sharedAcrossBackends: true },
    },
    port,
    legacyPort: 9106,
    probes,
    dependencies: [],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/healthz")],
    successCriteria: ["Airtable Gateway separated and optimized", ...postExtraction],
  },
  automation: {
    name: "automation",
    repository: "pyairtable-automation",
    tier: 2,
    priority: "P3",
    workload: { kind: "consumer", queue: "automation" },
    port,
    legacyPort: 9107,
    probes,
    dependencies: ["airtable-gateway"],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/healthz")],
    successCriteria: ["Automation Services consolidated", ...postExtraction],
  },
  infrastructure: {
    name: "infrastructure",
    repository: "pyairtable-infrastructure",
    tier: 3,
    // The matrix's rows P4 to P6 (databases, monitoring, code) are all this repository's; it starts with P4.
    priority: "P4",
    workload: { kind: "shared-resources" },
    successCriteria: [
      "Database configurations consolidated",
      "Monitoring stack separated and deployed",
      "Infrastructure as Code cleaned up",
      ...postExtraction,
    ],
  },
  docs: {
    name: "docs",
    repository: "pyairtable-docs",
    tier: 3,
    // Not in the matrix; the checklist of weeks 3 and 4 puts it after the infrastructure.
    priority: "P6",
    workload: { kind: "static" },
    port,
    legacyPort: 9108,
    probes,
    dependencies: [],
    resources: smallService,
    longestRequestSeconds,
    smokeChecks: [answers("/")],
    successCriteria: ["Documentation updated and complete", ...postExtraction],
  },
};

/** What is fixed about a target. A routed name gives a routed entry. */
export function catalogEntry<N extends TargetName>(name: N): (typeof catalog)[N] {
  return catalog[name];
}
