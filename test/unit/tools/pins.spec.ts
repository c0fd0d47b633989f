import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { goTools, moduleFiles, pluginVersion, pythonTools, wheelTools } from "../../../tools/pins";
import { isInRange } from "../../../tools/versions";
import packageJson from "../../../package.json";

const modulesDir = path.join(__dirname, "../../../tools/modules");

function linesOf(tool: string, file: string): string[] {
  return fs.readFileSync(path.join(modulesDir, tool, file), "utf8").split("\n");
}

describe("pins", () => {
  it("pin the CLI in the version of the npm SDK", () => {
    assert.equal(goTools.pulumi.version, `v${packageJson.dependencies["@pulumi/pulumi"]}`);
  });

  it("leave one copy of the npm SDK for the program, its providers and the policy pack", () => {
    const lock = fs.readFileSync(path.join(__dirname, "../../../package-lock.json"), "utf8");
    assert.deepEqual(lock.match(/"[^"]*node_modules\/@pulumi\/pulumi": \{/g), [
      '"node_modules/@pulumi/pulumi": {',
    ]);
  });

  it("pin the Kubernetes provider in the version of the npm SDK", () => {
    assert.equal(pluginVersion, packageJson.dependencies["@pulumi/kubernetes"]);
  });

  it("have one folder of go.mod and go.sum each, and no other folder is there", () => {
    assert.deepEqual(fs.readdirSync(modulesDir).sort(), Object.keys(goTools).sort());
  });

  it("leave no generated file in the checkout's copy of a module", () => {
    const files = fs.readdirSync(modulesDir).flatMap((tool) => fs.readdirSync(path.join(modulesDir, tool)));
    assert.deepEqual([...new Set(files)].sort(), ["go.mod", "go.sum", "main.go"]);
  });

  for (const [tool, { module, version, sum }] of [
    ...Object.entries(goTools),
    ...Object.values(moduleFiles).flatMap((files) =>
      "pinnedBy" in files ? [[files.pinnedBy, files] as const] : [],
    ),
  ]) {
    it(`of ${module} agree with what modules/${tool} builds`, () => {
      const required = linesOf(tool, "go.mod").map((line) =>
        line
          .replace(/^require /, "")
          .replace(/ \/\/ indirect$/, "")
          .trim(),
      );
      assert.ok(required.includes(`${module} ${version}`), `go.mod requires ${module} ${version}`);
      assert.ok(linesOf(tool, "go.sum").includes(`${module} ${version} ${sum}`), `go.sum has ${sum}`);
    });
  }

  it("let a binary on PATH do that is the pinned one", () => {
    for (const pin of [...Object.values(goTools), ...Object.values(wheelTools)]) {
      if (!("onPath" in pin)) continue;
      const release = "release" in pin ? pin.release : pin.version.replace(/^v/, "");
      assert.ok(isInRange(release, pin.onPath.range), `${pin.binaries[0]} ${release}`);
    }
  });

  it("of Python's packages are in requirements.txt, every one with its checksums", () => {
    const file = path.join(__dirname, "../../../tools/python/requirements.txt");
    const packages =
      fs.readFileSync(file, "utf8").match(/^[a-z].*(\n +--hash=sha256:[0-9a-f]{64}.*)*/gm) ?? [];
    for (const { project, version } of Object.values(pythonTools)) {
      assert.ok(
        packages.some((pin) => pin.startsWith(`${project}==${version} `)),
        `${project} ${version}`,
      );
    }
    for (const pin of packages) assert.match(pin, /^\S+==\S+ \\\n +--hash=sha256:/);
  });

  it("have a SHA-256 for each wheel", () => {
    for (const { sha256 } of Object.values(wheelTools)) assert.match(sha256, /^[0-9a-f]{64}$/);
  });
});
