import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../../tools/acquire";
import { pulumiStateDir, runDir, stateDir } from "../paths";
import { createCertificates } from "./certificates";
import { createCgroup } from "./cgroups";
import { installGatewayApi, waitForNode } from "./cluster";
import { apiserver, controllerManager, etcd, scheduler } from "./controlPlane";
import { loadExporterImage, loadMigrationImages, loadPostgresqlImage } from "./databaseImages";
import { dns } from "./dns";
import { stopPlatform } from "./down";
import { contour, envoy, internalGateway } from "./gateway";
import { buildGoCommand } from "./goCommand";
import { loadImages } from "./images";
import { writeKubeconfigs } from "./kubeconfigs";
import { legacyServices, queue } from "./legacy";
import { monitoringParts } from "./monitoring";
import { createNetwork } from "./network";
import { cgroupRoot, containerd, kubelet, kubeProxy } from "./node";
import { ensurePart, type Part } from "./processes";
import { localPathProvisioner } from "./storage";
import { prepareSysctls } from "./sysctls";

/** Told about each step when it begins and when it is done. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

/**
 * Brings the platform up, or what is missing of it: a part that runs as it
 * would be started now is left alone, whichever checkout started it.
 */
export async function startPlatform(tools: Toolbox, step: Step): Promise<void> {
  if (fs.existsSync(stateDir) && !startedSinceBoot()) {
    await step("clean up what a reboot left", stopPlatform);
  }
  fs.mkdirSync(stateDir, { recursive: true, mode: 0o711 });
  fs.mkdirSync(runDir, { recursive: true });
  fs.mkdirSync(pulumiStateDir, { recursive: true });
  fs.writeFileSync(bootIdFile, bootId());

  const standin = await step("stand-in services", () => buildGoCommand("standin"));
  await step("certificates and network", async () => {
    await createCertificates();
    writeKubeconfigs();
    prepareSysctls();
    createNetwork();
    createCgroup(cgroupRoot);
  });
  const ensure = (part: Part): Promise<void> => step(part.name, () => ensurePart(part).then(() => undefined));

  const monitoring = monitoringParts(tools);
  await Promise.all([
    (async () => {
      await ensure(etcd(tools));
      await ensure(apiserver(tools));
    })(),
    ...monitoring.alone.map(ensure),
    (async () => {
      await ensure(containerd(tools));
      await step("images", () => loadImages(tools, standin));
    })(),
    step("legacy services", async () => {
      await ensurePart(queue(tools));
      await Promise.all(legacyServices(tools, standin).map(ensurePart));
    }),
  ]);
  await Promise.all([
    startNode(tools, monitoring.sync, ensure, step),
    // Only databases need them, and the first is large: it comes while the cluster waits for itself.
    step("PostgreSQL's image", () => loadPostgresqlImage(tools)),
    step("its exporter's image", () => loadExporterImage(tools)),
    step("migrations", async () => loadMigrationImages(tools, await buildGoCommand("migrations"))),
  ]);
}

/** What needs the API server and the images: pods can be scheduled afterwards, and users reach them. */
async function startNode(
  tools: Toolbox,
  monitoringSync: Part,
  ensure: (part: Part) => Promise<void>,
  step: Step,
): Promise<void> {
  await Promise.all([
    ensure(controllerManager(tools)),
    ensure(scheduler(tools)),
    ensure(kubelet(tools)),
    ensure(kubeProxy(tools)),
    step("Gateway API", () => installGatewayApi(tools)),
  ]);
  await Promise.all([
    step("node", () => waitForNode(tools)),
    (async () => {
      await ensure(contour(tools));
      await ensure(await envoy(tools));
    })(),
    ensure(internalGateway(tools)),
    // Sees nothing before it is granted, with the Gateway API.
    ensure(monitoringSync),
    ensure(dns(tools)),
    ensure(localPathProvisioner(tools)),
  ]);
}

const bootIdFile = path.join(stateDir, "boot-id");
const bootId = (): string => fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
const startedSinceBoot = (): boolean =>
  fs.existsSync(bootIdFile) && fs.readFileSync(bootIdFile, "utf8") === bootId();
