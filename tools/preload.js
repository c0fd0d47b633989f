// @ts-check
"use strict";

/**
 * Loaded before Pulumi's runner (`nodeargs` in Pulumi.yaml), to take out of every preview what this program doesn't
 * use: half of the SDK's start is packages for serializing functions, tracing and automation, and compiling what was
 * compiled before.
 */

const path = require("node:path");
const Module = require("node:module");

require("v8-compile-cache-lib").install({
  cacheDir: path.join(__dirname, "..", "node_modules", ".cache", "pyairtable", "v8"),
});

/** Still there for whoever reads anything of them. */
const loadedWhenUsed = new Set([
  "typescript",
  "@npmcli/arborist",
  "normalize-package-data",
  "@opentelemetry/exporter-zipkin",
  "@opentelemetry/instrumentation",
  "@opentelemetry/instrumentation-grpc",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-base",
  "@opentelemetry/sdk-trace-node",
  // As the SDK's own index asks for it.
  "./automation",
]);

/**
 * What the runner installs for everybody, and what is there in its place.
 * @type {ReadonlyMap<string, unknown>}
 */
const replaced = new Map([
  // Maps every stack trace to the sources, and the SDK takes one for each promise and resource.
  ["source-map-support/register", {}],
  // Starts V8's debugger, for serializing functions.
  ["../../runtime/closure/v8Hooks", { isInitializedAsync: () => Promise.resolve() }],
]);

/** @type {{ _load: (request: string, ...rest: unknown[]) => unknown }} */
const loader = Object(Module);
const load = loader._load;
loader._load = function (request, ...rest) {
  if (replaced.has(request)) return replaced.get(request);
  if (!loadedWhenUsed.has(request)) return load.call(this, request, ...rest);
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
