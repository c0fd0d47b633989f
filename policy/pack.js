"use strict";

// The entry point of the policy pack: index.ts as one file. Pulumi's runner for packs would compile and type-check it
// on every preview.
require(require("../tools/bundle.js").bundled("policy/index.ts"));
