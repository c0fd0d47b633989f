import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import type { DaemonAddress } from "../monorepo/address";
import type { Monorepo } from "../monorepo/containers";

const host = "ssh://user@host[:port], or unix:///path";
/** Neither user nor host may begin with a dash, which ssh would take for an option. */
const sshPattern =
  /^ssh:\/\/(?<user>[a-z_][a-z0-9_-]*)@(?<host>[A-Za-z0-9][A-Za-z0-9.-]*)(:(?<port>[1-9]\d{0,4}))?$/;
const unixPattern = /^unix:\/\/(?<socket>\/[^\s]+)$/;

const hostKey = "the host's public key (ssh-ed25519 AAAA…, without a comment)";
const project = "the name of a compose project";
const container = "the name of a container";

const name = (expected: string): z.ZodString =>
  z.string({ error: expected }).regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: expected });

const containerSchema = name(container).optional();

/** The compose project's containers, to be adopted, started and stopped. */
export const monorepoSchema = z
  .strictObject(
    {
      /** Where the project's Docker daemon is reached. */
      host: z.string({ error: host }).refine((text) => addressOf(text, "") !== undefined, { error: host }),
      /** By ssh: the only key that the host may show, as in its /etc/ssh/ssh_host_ed25519_key.pub. */
      hostKey: z
        .string({ error: hostKey })
        .regex(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d{3}) [A-Za-z0-9+/]+={0,2}$/, { error: hostKey })
        .optional(),
      /** As compose calls it: the label com.docker.compose.project of its containers. */
      project: name(project),
      /** Per target, where its container isn't called <project>-<target>-1. */
      containers: z
        .strictObject(
          {
            frontend: containerSchema,
            "api-gateway": containerSchema,
            "auth-service": containerSchema,
            "llm-orchestrator": containerSchema,
            "mcp-server": containerSchema,
            "airtable-gateway": containerSchema,
            automation: containerSchema,
            docs: containerSchema,
          },
          { error: "a map of containers by target" },
        )
        .default({}),
    },
    { error: "a map with host, hostKey, project and containers" },
  )
  .superRefine((monorepo, context) => {
    const kind = addressOf(monorepo.host, "")?.kind;
    const bySsh = kind === "ssh";
    if (kind !== undefined && bySsh !== (monorepo.hostKey !== undefined)) {
      const message = bySsh ? `${hostKey}, as host is reached by ssh` : "no such key, as host is a socket";
      context.addIssue({ code: "custom", path: ["hostKey"], message });
    }
    for (const [target, own] of Object.entries(namesIn(monorepo))) {
      const others = routedTargets.filter((other) => other !== target && namesIn(monorepo)[other] === own);
      if (others.length === 0 || !(target in monorepo.containers)) continue;
      const message = `a container of its own, not that of ${others.join(", ")}`;
      context.addIssue({ code: "custom", path: ["containers", target], message });
    }
  });

type Parsed = z.infer<typeof monorepoSchema>;

/** With what the file leaves out filled in. */
export function monorepoOf(parsed: Parsed): Monorepo {
  const daemon = addressOf(parsed.host, parsed.hostKey ?? "");
  if (daemon === undefined) throw new Error(`${parsed.host} has passed the schema, but is no address`);
  return { daemon, project: parsed.project, containers: namesIn(parsed) };
}

function addressOf(text: string, key: string): DaemonAddress | undefined {
  const socket = unixPattern.exec(text)?.groups?.["socket"];
  if (socket !== undefined) return { kind: "unix", socket };
  const { user, host: at, port } = sshPattern.exec(text)?.groups ?? {};
  if (user === undefined || at === undefined || Number(port ?? 1) > 65535) return undefined;
  return { kind: "ssh", user, host: at, ...(port !== undefined && { port: Number(port) }), hostKey: key };
}

/** Compose's own naming, where the file gives no name. */
function namesIn(parsed: Pick<Parsed, "project" | "containers">): Record<RoutedTargetName, string> {
  const named = (target: RoutedTargetName): string =>
    parsed.containers[target] ?? `${parsed.project}-${target}-1`;
  return {
    frontend: named("frontend"),
    "api-gateway": named("api-gateway"),
    "auth-service": named("auth-service"),
    "llm-orchestrator": named("llm-orchestrator"),
    "mcp-server": named("mcp-server"),
    "airtable-gateway": named("airtable-gateway"),
    automation: named("automation"),
    docs: named("docs"),
  };
}
