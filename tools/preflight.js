// @ts-check
"use strict";

// Has to run on an old Node, to be able to say that it is too old: built-ins and the syntax of Node 10 only.

const childProcess = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const cacheDir = require("./cacheDir.js").cacheDir;
const listeners = require("./listeners.js");
const ports = require("../local/ports.json");

/**
 * @typedef {import("./listeners.js").Listener} Listener
 *
 * What the preflight looks at.
 * @typedef {object} Machine
 * @property {string} system as in `process.platform`
 * @property {string} architecture as in `process.arch`
 * @property {boolean} isRoot
 * @property {string} node version, for example "20.19.0"
 * @property {string[]} missingCommands of those that can't be installed from here
 * @property {string | undefined} go version, for example "1.26.0"; undefined when there is no go
 * @property {boolean} goUpgradesItself whether go fetches a newer toolchain when a module asks for one
 * @property {Listener[]} listeners every TCP socket that listens
 * @property {boolean} isCacheWarm whether the tools have been built before
 * @property {number | undefined} freeDisk GB on the disk of the cache
 * @property {number} availableMemory GB
 */

const leastNode = "20.19.0";
/** GB. Building from nothing downloads and compiles six big programs. */
const coldDisk = 20;
const warmDisk = 5;
const leastMemory = 4;

/**
 * Everything that is wrong with a machine, each as a sentence for people.
 * @param {Machine} machine
 * @param {string} wantedGo the version that the tools' modules ask for
 * @returns {string[]}
 */
function findProblems(machine, wantedGo) {
  const problems = [];
  if (machine.system !== "linux" || machine.architecture !== "x64") {
    problems.push(
      "the local platform needs Linux on x86-64; this is " + machine.system + " on " + machine.architecture,
    );
  }
  if (!machine.isRoot)
    problems.push("root is needed, to run containers and set up a network; run it as root");
  if (isOlder(machine.node, leastNode)) {
    problems.push("Node " + leastNode + " or later is needed; this is " + machine.node);
  }
  machine.missingCommands.forEach((command) => problems.push(command + " is not on PATH"));
  if (machine.go === undefined) {
    problems.push("go is not on PATH; Go " + wantedGo + " or later is needed");
  } else if (isOlder(machine.go, wantedGo) && !machine.goUpgradesItself) {
    problems.push(
      "Go " + wantedGo + " or later is needed; this is " + machine.go + ", and GOTOOLCHAIN keeps it",
    );
  }
  machine.listeners.filter(isInTheWay).forEach((listener) => {
    problems.push(
      "port " + listener.port + " (" + nameOf(listener.port) + ") is taken by " + describe(listener),
    );
  });
  const disk = machine.isCacheWarm ? warmDisk : coldDisk;
  if (machine.freeDisk !== undefined && machine.freeDisk < disk) {
    const why = machine.isCacheWarm ? "" : " to build the tools";
    problems.push(
      disk + " GB of disk are needed" + why + "; " + cacheDir + " has " + machine.freeDisk.toFixed(1) + " GB",
    );
  }
  // A platform that is up already has taken its share.
  const isUp = machine.listeners.some((listener) => listener.isOurs);
  if (!isUp && machine.availableMemory < leastMemory) {
    problems.push(
      leastMemory + " GB of memory are needed; " + machine.availableMemory.toFixed(1) + " GB are available",
    );
  }
  // A process that listens on two addresses is named once.
  return Array.from(new Set(problems));
}

/** @param {Listener} listener */
function isInTheWay(listener) {
  const name = nameOf(listener.port);
  if (name === undefined || listener.isOurs) return false;
  const isOnOneAddress = name === "dns" || name.indexOf("legacy-") === 0;
  return !isOnOneAddress || listener.isEverywhere || listener.address === hostAddress;
}

/** The services of the monorepo and the cluster's DNS listen on this address of the machine only. */
const hostAddress = "198.18.0.1";

/** @param {number} port */
function nameOf(port) {
  return Object.keys(ports).find((name) => /** @type {Record<string, number>} */ (ports)[name] === port);
}

/** @param {Listener} listener */
function describe(listener) {
  if (listener.pid === undefined) return "a process that can't be seen from here";
  return "pid " + listener.pid + ": " + listener.command;
}

/**
 * @param {string} version
 * @param {string} wanted
 */
function isOlder(version, wanted) {
  const numbers = version.split(".").map(Number);
  const wantedNumbers = wanted.split(".").map(Number);
  const differences = wantedNumbers.map((number, position) => (numbers[position] || 0) - number);
  return (differences.find((difference) => difference !== 0) || 0) < 0;
}

/** @returns {Machine} */
function inspectMachine() {
  const go = goSettings();
  return {
    system: process.platform,
    architecture: process.arch,
    isRoot: process.getuid !== undefined && process.getuid() === 0,
    node: process.versions.node,
    missingCommands: ["npm", "apt-get"].filter((command) => !isOnPath(command)),
    go: go.version,
    goUpgradesItself: go.upgradesItself,
    listeners: listeners.findListeners(),
    isCacheWarm: moduleNames().every(wasBuilt),
    freeDisk: freeDisk(cacheDir),
    availableMemory: availableMemory(),
  };
}

/** @param {string} command */
function isOnPath(command) {
  return (process.env.PATH || "")
    .split(path.delimiter)
    .some((folder) => fs.existsSync(path.join(folder, command)));
}

function goSettings() {
  const answer = childProcess.spawnSync("go", ["env", "GOVERSION", "GOTOOLCHAIN"], {
    cwd: os.tmpdir(),
    encoding: "utf8",
  });
  if (answer.status !== 0) return { version: undefined, upgradesItself: false };
  const [goVersion = "", toolchain = ""] = answer.stdout.split("\n");
  const version = /\d+(\.\d+)*/.exec(goVersion);
  return {
    version: version === null ? undefined : version[0],
    // Go before 1.21 knows no GOTOOLCHAIN.
    upgradesItself: /^auto$|\+auto$/.test(toolchain),
  };
}

const modulesDir = path.join(__dirname, "modules");

function moduleNames() {
  return fs.readdirSync(modulesDir).filter((name) => fs.existsSync(path.join(modulesDir, name, "go.mod")));
}

/**
 * Whether the cache has the tool in any version. What begins with a dot is unfinished.
 * @param {string} tool
 */
function wasBuilt(tool) {
  const folder = path.join(cacheDir, "tools", tool);
  return fs.existsSync(folder) && fs.readdirSync(folder).some((name) => !name.startsWith("."));
}

/** The latest Go that any of the modules asks for. */
function findWantedGo() {
  return moduleNames()
    .map((name) => /^go (\S+)$/m.exec(fs.readFileSync(path.join(modulesDir, name, "go.mod"), "utf8")))
    .map((line) => (line && line[1]) || "0")
    .reduce((latest, version) => (isOlder(latest, version) ? version : latest));
}

/**
 * @param {string} folder which needn't exist yet
 * @returns {number | undefined} GB; undefined on a Node too old to ask
 */
function freeDisk(folder) {
  if (fs.statfsSync === undefined) return undefined;
  let existing = folder;
  while (!fs.existsSync(existing)) existing = path.dirname(existing);
  const stats = fs.statfsSync(existing);
  return (stats.bavail * stats.bsize) / 1e9;
}

/** What new processes can have without swapping, in GB. */
function availableMemory() {
  if (process.platform !== "linux") return os.freemem() / 1e9;
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/meminfo", "utf8"));
  return line === null ? os.freemem() / 1e9 : (Number(line[1]) * 1024) / 1e9;
}

/**
 * Looks at this machine without changing anything.
 * @returns {string[]} all that is wrong, each as a sentence
 */
function preflight() {
  return findProblems(inspectMachine(), findWantedGo());
}

module.exports = { preflight, findProblems, findWantedGo };
