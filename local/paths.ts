import path from "node:path";

/** Everything that the local platform keeps. One place per machine, so that any checkout finds what another one left. */
export const stateDir = "/var/lib/pyairtable-local";
/** Sockets and other things that a reboot may take. */
export const runDir = "/run/pyairtable-local";

export const logDir = path.join(stateDir, "log");
export const certificateDir = path.join(stateDir, "certificates");
export const kubeconfigDir = path.join(stateDir, "kubeconfig");
export const pulumiStateDir = path.join(stateDir, "pulumi");
/** What Alertmanager shows to the guard, and what those show who report issues: secrets, made with the platform. */
export const guardTokenFile = path.join(stateDir, "guard-token");
export const reportTokenFile = path.join(stateDir, "report-token");
/** What is brought to Prometheus from the cluster: rule files, and whom it asks. */
export const prometheusRulesDir = path.join(stateDir, "prometheus-rules");
export const prometheusTargetsDir = path.join(stateDir, "prometheus-targets");
export const probesFile = path.join(prometheusTargetsDir, "probes.json");
export const databasesFile = path.join(prometheusTargetsDir, "databases.json");
export const podsFile = path.join(prometheusTargetsDir, "pods.json");
export const containerdSocket = path.join(runDir, "containerd.sock");
/** The kubeconfig of the cluster's administrator: what `npm run -s env` exports. */
export const adminKubeconfig = path.join(kubeconfigDir, "admin");

export const checkoutDir = path.join(__dirname, "..");
/** What this checkout's runs leave for people to read; ignored by git. */
export const outDir = path.join(checkoutDir, "out");
