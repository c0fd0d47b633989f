// @ts-check
"use strict";

/**
 * An entry point of this checkout as one file of JavaScript, so that it starts in a fraction of what it takes to load
 * a compiler and a hundred modules. Made again when any of its sources has changed; no build step to forget.
 */

const fs = require("node:fs");
const path = require("node:path");

const checkout = path.join(__dirname, "..");
const lockfile = path.join(checkout, "package-lock.json");

/**
 * The packages that stay as they are: one copy of each must serve the whole process, and the SDK of AWS would make the
 * start of every command slower, for the one that needs it.
 */
const external = [
  "@pulumi/*",
  "@aws-sdk/*",
  "@grpc/grpc-js",
  "google-protobuf",
  "esbuild",
  "typescript",
  // It finds its WebAssembly beside itself.
  "libpg-query",
];

/**
 * @param {string} entry relative to the checkout, for example `cutover/main.ts`
 * @returns {string} the file to require
 */
function bundled(entry) {
  const name = entry.replace(/\W+/g, "-");
  const folder = path.join(checkout, "node_modules", ".cache", "pyairtable");
  const file = path.join(folder, `${name}.js`);
  const inputsFile = path.join(folder, `${name}.inputs.json`);
  if (!isFresh(file, inputsFile)) bundle(entry, file, inputsFile);
  return file;
}

/**
 * @param {string} file
 * @param {string} inputsFile
 */
function isFresh(file, inputsFile) {
  try {
    if (!fs.existsSync(file)) return false;
    const inputs = JSON.parse(fs.readFileSync(inputsFile, "utf8"));
    return Object.keys(inputs).every((input) => inputs[input] === stampOf(input));
  } catch {
    return false;
  }
}

/** @param {string} input relative to the checkout */
function stampOf(input) {
  const { mtimeMs, size } = fs.statSync(path.join(checkout, input));
  return `${mtimeMs} ${size}`;
}

/**
 * @param {string} entry
 * @param {string} file
 * @param {string} inputsFile
 */
function bundle(entry, file, inputsFile) {
  const { metafile, outputFiles } = require("esbuild").buildSync({
    entryPoints: [entry],
    absWorkingDir: checkout,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    outfile: file,
    external,
    // The bundle lies elsewhere: what finds files beside it means the entry's folder.
    define: { __dirname: JSON.stringify(path.dirname(path.join(checkout, entry))) },
    logLevel: "error",
  });
  const sources = [...Object.keys(metafile.inputs), path.relative(checkout, lockfile), "tools/bundle.js"];
  const inputs = Object.fromEntries(sources.map((input) => [input, stampOf(input)]));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  // The inputs last: a bundle without them, or older than them, is made again.
  writeAtomically(file, outputFiles[0] ? outputFiles[0].text : "");
  writeAtomically(inputsFile, JSON.stringify(inputs));
}

/**
 * @param {string} file
 * @param {string} text
 */
function writeAtomically(file, text) {
  const unfinished = `${file}.${process.pid}`;
  fs.writeFileSync(unfinished, text);
  fs.renameSync(unfinished, file);
}

module.exports = { bundled };
