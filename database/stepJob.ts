import { databaseClientRole, targetLabels } from "../cluster/names";
import { restrictedContainer, restrictedPod } from "../cluster/restricted";
import type { RoutedTargetName } from "../catalog";
import { fingerprintSql } from "./fingerprint";
import { type DatabaseAddress, binaries, credentialsName } from "./instance";
import { databaseName } from "./roles";
import { psqlArguments, psqlEnvironment } from "./session";
import { createStepRecord, stepsSchema } from "./stepRecord";
import type { StepAction } from "./trial";

export interface StepJobArgs {
  readonly name: string;
  readonly namespace: string;
  readonly target: RoutedTargetName;
  /** The service's own migrations: `up`, `down`, `status`. */
  readonly image: string;
  readonly action: StepAction;
  /** Has psql where Debian has it. */
  readonly client: string;
  /** A shadow. @default where the target's credentials lead */
  readonly address?: DatabaseAddress;
  /** What the schema must be before and after. @default anything, as on a shadow */
  readonly expected?: ExpectedSchema;
  /** After this it is ended, whatever it does. */
  readonly deadlineSeconds: number;
}

export interface ExpectedSchema {
  /** Stands for the step in the database's record. */
  readonly step: string;
  /** Fingerprints. */
  readonly before: string;
  readonly after: string;
}

/** A step's Job, for whoever sends it to the API server. */
export interface StepJob {
  readonly apiVersion: "batch/v1";
  readonly kind: "Job";
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Labels };
  readonly spec: StepJobSpec;
}

export interface StepJobSpec {
  backoffLimit: number;
  activeDeadlineSeconds: number;
  template: { metadata: { labels: Labels }; spec: typeof restrictedPod & StepPod };
}

interface StepPod {
  restartPolicy: string;
  terminationGracePeriodSeconds: number;
  initContainers: StepContainer[];
  containers: StepContainer[];
  volumes: { name: string; emptyDir: object }[];
}

interface StepContainer {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  restartPolicy?: string;
  startupProbe?: { exec: { command: string[] }; periodSeconds: number; failureThreshold: number };
  envFrom: { secretRef: { name: string } }[];
  env: EnvVar[];
  resources: { requests: Labels; limits: Labels };
  securityContext: typeof restrictedContainer;
  terminationMessagePolicy: string;
  volumeMounts: { name: string; mountPath: string }[];
}

type Labels = Readonly<Record<string, string>>;

/** The containers, in the order in which they run; the first runs beside all others. */
export const stepContainers = ["lock", "check", "step", "verify"] as const;

/** On all Jobs of steps. */
export const stepRole = { "pyairtable.dev/role": "schema-step" };

/** How long it waits while another step has the lock. */
const lockWaitSeconds = 60;
/** Any number that nothing else in the database uses. */
const lockKey = 5_707_196;

/**
 * Runs a step once, under a lock that no other step can have at the same time, and by no pooler: a lock belongs to a
 * session. Whatever goes wrong, it isn't tried again by itself.
 */
export function stepJob(args: StepJobArgs): StepJob {
  const { name, namespace, target, expected, deadlineSeconds } = args;
  const labels = { ...targetLabels(target), ...databaseClientRole };
  const step = serviceContainer(args);
  const steps = expected === undefined ? [step] : checked(args, step, expected);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels: { ...targetLabels(target), ...stepRole } },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      template: {
        metadata: { labels },
        spec: {
          ...restrictedPod,
          restartPolicy: "Never",
          terminationGracePeriodSeconds: 5,
          initContainers: [lockContainer(args), ...steps.slice(0, -1)],
          containers: steps.slice(-1),
          volumes: [{ name: "run", emptyDir: {} }],
        },
      },
    },
  };
}

function checked(
  args: StepJobArgs,
  step: StepContainer,
  { step: id, before, after }: ExpectedSchema,
): StepContainer[] {
  const { action } = args;
  const [from, to] = action === "up" ? [before, after] : [after, before];
  const variables = { step: id, from, to };
  const check = checkSql(before === after ? mustBeThere : mustBePrepared);
  return [
    psqlContainer(args, "check", check, variables),
    step,
    psqlContainer(args, "verify", action === "up" ? verifyUpSql : verifyDownSql, variables),
  ];
}

/**
 * A session that has the lock and is idle: an open transaction would hold up CREATE INDEX CONCURRENTLY. It asks again and
 * again whether its server is there, so that it ends, and begins anew, when that was gone and the lock with it.
 */
function lockContainer(args: StepJobArgs): StepContainer {
  const script = `trap 'kill $child 2>/dev/null; exit 0' TERM
printf '%s' "$SQL" | ${psql} >/dev/null 2>/run/step/errors &
child=$!
wait $child
[ -e /run/step/held ] || { cp /run/step/errors /run/step/refused; sleep infinity & child=$!; wait $child; }
exit 1`;
  const sql = `SET lock_timeout = '${lockWaitSeconds}s';
SELECT pg_advisory_lock(${lockKey});
\\! touch /run/step/held
SELECT 1 \\watch 2
`;
  return {
    ...clientContainer(args, "lock", [{ name: "SQL", value: sql }]),
    command: ["sh", "-c", script],
    restartPolicy: "Always",
    // Whether it has the lock or has given up is the next container's to say.
    startupProbe: {
      exec: { command: ["sh", "-c", "[ -e /run/step/held ] || [ -e /run/step/refused ]"] },
      periodSeconds: 1,
      failureThreshold: lockWaitSeconds + 60,
    },
  };
}

function serviceContainer(args: StepJobArgs): StepContainer {
  const { image, action, target } = args;
  return {
    name: "step",
    image,
    args: [action],
    ...connecting(args, credentialsName(target, "owner"), []),
    ...container,
  };
}

function psqlContainer(
  args: StepJobArgs,
  name: string,
  sql: string,
  variables: Readonly<Record<string, string>>,
): StepContainer {
  const settings = Object.entries(variables).map(([key, value]) => `--set=${key}="${value}"`);
  const script = `if [ -e /run/step/refused ]; then
  echo "another step has the lock, and still had it after ${lockWaitSeconds} s:" >&2
  cat /run/step/refused >&2
  exit 1
fi
printf '%s' "$SQL" | ${psql} ${settings.join(" ")}`;
  return {
    ...clientContainer(args, name, [{ name: "SQL", value: sql }]),
    command: ["sh", "-c", script],
  };
}

const psql = `${binaries}/psql ${psqlArguments.join(" ")}`;

/** It sees more than the step may: what is noted of steps isn't the step's to change. */
function clientContainer(args: StepJobArgs, name: string, env: readonly EnvVar[]): StepContainer {
  return {
    name,
    image: args.client,
    ...connecting(args, credentialsName(args.target, "admin"), env),
    ...container,
  };
}

interface EnvVar {
  readonly name: string;
  readonly value: string;
}

function connecting(
  { address, target }: StepJobArgs,
  secret: string,
  env: readonly EnvVar[],
): Pick<StepContainer, "env" | "envFrom"> {
  return {
    envFrom: [{ secretRef: { name: secret } }],
    env: [
      ...Object.entries(psqlEnvironment).map(([name, value]) => ({ name, value })),
      // The admin's own is another.
      { name: "PGDATABASE", value: databaseName(target) },
      ...(address === undefined
        ? []
        : [
            { name: "PGHOST", value: address.host },
            { name: "PGPORT", value: String(address.port) },
          ]),
      ...env,
    ],
  };
}

const container = {
  resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "1", memory: "256Mi" } },
  securityContext: restrictedContainer,
  terminationMessagePolicy: "FallbackToLogsOnError",
  volumeMounts: [{ name: "run", mountPath: "/run/step" }],
};

const findLive = `SELECT fingerprint AS live FROM (${fingerprintSql}) AS found \\gset`;

const mustBePrepared =
  "for which the step was prepared: somebody has changed the schema since; prepare it again";
/** Of a step that has run elsewhere, and isn't to run again. */
const mustBeThere =
  "as the step had left it: this instance was restored to another moment; take migration and contract out of the file";

/** An error's own words, and nothing of where in this script it was. */
const refuse = `DO $$ BEGIN RAISE EXCEPTION '%', current_setting('pyairtable.refusal'); END $$;`;

/** A step that goes on was begun when it had changed nothing yet: that is the moment to go back to. */
const checkSql = (expected: string): string => `\\set VERBOSITY terse
SET client_min_messages = warning;
${createStepRecord}
${findLive}
SELECT :'live' IN (:'from', :'to') OR coalesce(
  (SELECT step = :'step' AND finished_at IS NULL FROM ${stepsSchema}.steps ORDER BY begun_at DESC LIMIT 1), false
) AS fits \\gset
\\if :fits
INSERT INTO ${stepsSchema}.steps (step) VALUES (:'step')
  ON CONFLICT (step) DO UPDATE SET finished_at = NULL, begun_at =
    CASE WHEN :'live' = :'from' AND :'from' <> :'to' THEN clock_timestamp() ELSE steps.begun_at END;
\\else
SELECT set_config('pyairtable.refusal', format(
  'found the schema %s, expected %s, ${expected}',
  left(:'live', 12), left(:'from', 12)), false) \\g /dev/null
${refuse}
\\endif
`;

function verifySql(finish: string): string {
  return `\\set VERBOSITY terse
${findLive}
SELECT :'live' = :'to' AS fits \\gset
\\if :fits
${finish}
\\else
SELECT set_config('pyairtable.refusal', format(
  'found the schema %s after the step, expected %s, as it was on the shadow', left(:'live', 12), left(:'to', 12)
), false) \\g /dev/null
${refuse}
\\endif
`;
}

const verifyUpSql = verifySql(
  `UPDATE ${stepsSchema}.steps SET finished_at = clock_timestamp() WHERE step = :'step';`,
);
const verifyDownSql = verifySql(`DELETE FROM ${stepsSchema}.steps WHERE step = :'step';`);
