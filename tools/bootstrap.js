// @ts-check
"use strict";

/**
 * `node tools/bootstrap.js ENTRY.ts [ARGUMENT...]` runs an entry point of this
 * checkout on a machine that has nothing but Node and npm: it installs the npm
 * packages first. Entry points that bring up the local platform are preceded
 * by the preflight. Nothing but the entry point writes to stdout.
 */

// Has to run on an old Node, to be able to say that it is too old: built-ins and the syntax of Node 10 only.

const childProcess = require("child_process");
const os = require("os");
const path = require("path");
const preflight = require("./preflight.js").preflight;

const checkout = path.join(__dirname, "..");
const withPreflight = ["local/start.ts", "test/run.ts", "test/soak.ts", "bench/run.ts"];

const [entryArgument = "", ...args] = process.argv.slice(2);
if (entryArgument === "") {
  process.stderr.write("usage: node tools/bootstrap.js ENTRY.ts [ARGUMENT...]\n");
  process.exit(2);
}
const entry = path.resolve(checkout, entryArgument);

if (withPreflight.includes(path.relative(checkout, entry))) {
  const problems = preflight();
  if (problems.length > 0) {
    process.stderr.write(
      "This machine isn't ready, and nothing was changed:\n  - " + problems.join("\n  - ") + "\n",
    );
    process.exit(1);
  }
}

require("./nodeModules.js")
  .ensureNodeModules()
  .then(runEntry, (/** @type {Error} */ error) => {
    process.stderr.write(error.message + "\n");
    process.exit(1);
  });

/** Runs the entry point as if it were this process. */
function runEntry() {
  const child = childProcess.spawn(
    process.execPath,
    ["--require", require.resolve("ts-node/register"), entry, ...args],
    { cwd: checkout, stdio: "inherit" },
  );
  /** @type {NodeJS.Signals[]} */
  const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"];
  forwarded.forEach((signal) =>
    process.on(signal, () => {
      // At a terminal Ctrl-C has reached the child already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    }),
  );
  child.once("exit", (code, signal) => {
    process.exit(code !== null ? code : 128 + (signal === null ? 0 : os.constants.signals[signal]));
  });
}
