// @ts-check
"use strict";

const { spawn } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { acquireLock } = require("./lock.js");

const checkout = path.join(__dirname, "..");
const lockfile = path.join(checkout, "package-lock.json");
/** Holds the hash of the lockfile that node_modules was installed from; removed with it. */
const stamp = path.join(checkout, "node_modules", ".lockfile-hash");

/** How often progress is shown, in ms: lines on a terminal are overwritten. */
const liveInterval = 1000;
const plainInterval = 15000;
/** How many lines of a failed npm are shown. */
const shownLines = 30;
/** @type {NodeJS.Signals[]} */
const endings = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Makes node_modules fit the lockfile, showing progress on stderr. Does nothing when it fits. */
async function ensureNodeModules() {
  if (isInstalled()) return;
  const release = await acquireLock(path.join(checkout, "out", ".npm-ci.lock"), () =>
    process.stderr.write("waiting for another run that is installing the npm packages\n"),
  );
  try {
    if (!isInstalled()) await install();
  } finally {
    release();
  }
}

function hashOfLockfile() {
  return crypto.createHash("sha256").update(fs.readFileSync(lockfile)).digest("hex");
}

function isInstalled() {
  return fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === hashOfLockfile();
}

async function install() {
  const hash = hashOfLockfile();
  const total = Object.keys(JSON.parse(fs.readFileSync(lockfile, "utf8")).packages).length - 1;
  const started = Date.now();
  let fetched = 0;
  const isLive = process.stderr.isTTY;
  /** @param {string} state */
  const show = (state) => {
    const line = `npm ci: ${state}, ${Math.round((Date.now() - started) / 1000)} s`;
    process.stderr.write(isLive ? `\r\x1b[K${line}` : `${line}\n`);
  };
  const showFetched = () => show(`${fetched} of at most ${total} packages fetched`);
  show("installing the npm packages");
  const timer = setInterval(showFetched, isLive ? liveInterval : plainInterval);
  try {
    await runNpmCi(() => fetched++);
  } catch (error) {
    if (isLive) process.stderr.write("\n");
    throw error;
  } finally {
    clearInterval(timer);
  }
  fs.writeFileSync(stamp, hash);
  show("done");
  if (isLive) process.stderr.write("\n");
}

/**
 * @param {() => void} onFetch called for each package that npm has fetched
 * @returns {Promise<void>}
 */
function runNpmCi(onFetch) {
  return new Promise((resolve, reject) => {
    const npm = spawn("npm", ["ci", "--loglevel=http"], {
      cwd: checkout,
      stdio: ["ignore", "ignore", "pipe"],
    });
    /** @param {NodeJS.Signals} signal */
    const interrupt = (signal) => npm.kill(signal);
    endings.forEach((signal) => process.on(signal, interrupt));
    /** @type {string[]} */
    const said = [];
    readline.createInterface({ input: npm.stderr }).on("line", (line) => {
      if (!line.startsWith("npm http ")) said.push(line);
      else if (line.includes(".tgz")) onFetch();
    });
    npm.once("error", reject);
    npm.once("close", (code, signal) => {
      endings.forEach((ending) => process.off(ending, interrupt));
      if (code === 0) return resolve();
      // npm names the cause first and its own options last.
      const how = signal === null ? `exit code ${code}` : signal;
      reject(new Error([`npm ci ended with ${how}`, ...said.slice(0, shownLines)].join("\n")));
    });
  });
}

module.exports = { ensureNodeModules };
