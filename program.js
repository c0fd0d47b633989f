"use strict";

// The entry point of Pulumi's runtime: index.ts as one file. Its stack traces aren't mapped to the sources: the runner
// takes one for each promise and resource, and mapping them costs more than all the rest of a preview.
Reflect.deleteProperty(Error, "prepareStackTrace");
module.exports = require(require("./tools/bundle.js").bundled("index.ts"));
