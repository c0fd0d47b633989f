#!/usr/bin/env node
"use strict";
const { bundled } = require("../../tools/bundle.js");
require(bundled("local/monitoringSync/main.ts")).main();
