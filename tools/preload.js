// @ts-check
"use strict";

/**
 * Loaded before Pulumi's runner (`nodeargs` in Pulumi.yaml), to take out of every preview what this program doesn't
 * use: half of the SDK's start is two packages for serializing functions, and compiling what was compiled before.
 */

const path = require("node:path");
const Module = require("node:module");

require("v8-compile-cache-lib").install({
  cacheDir: path.join(__dirname, "..", "node_modules", ".cache", "pyairtable", "v8"),
});

/** Still there for whoever reads anything of them. */
const loadedWhenUsed = ["typescript", "@npmcli/arborist"];

/** @type {{ _load: (request: string, ...rest: unknown[]) => unknown }} */
const loader = Object(Module);
const load = loader._load;
loader._load = function (request, ...rest) {
  if (!loadedWhenUsed.includes(request)) return load.call(this, request, ...rest);
  /** @type {object | undefined} */
  let loaded;
  const real = () => (loaded ??= Object(load.call(this, request, ...rest)));
  return new Proxy(
    {},
    {
      // `import *` must not read it member by member.
      get: (_target, key) =>
        key === "__esModule" ? true : key === "default" ? real() : Reflect.get(real(), key),
      has: (_target, key) => Reflect.has(real(), key),
    },
  );
};
