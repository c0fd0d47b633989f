"use strict";

// The entry point of Pulumi's runtime: index.ts as one file.
require("./tools/quietSdk.js").quietSdk();
module.exports = require(require("./tools/bundle.js").bundled("index.ts"));
