// @ts-check
"use strict";

const os = require("os");
const path = require("path");

const home = process.env.XDG_CACHE_HOME;

/** What any checkout of this user can use again. A relative XDG_CACHE_HOME is to be ignored, says its standard. */
const cacheDir = path.join(
  home !== undefined && path.isAbsolute(home) ? home : path.join(os.homedir(), ".cache"),
  "pyairtable-platform",
);

module.exports = { cacheDir };
