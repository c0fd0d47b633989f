"use strict";

// What the engine starts as pulumi-resource-aws: main.ts as one file.
require(require("../../../tools/bundle.js").bundled("test/support/awsPlugin/main.ts"));
