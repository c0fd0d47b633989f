import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { type Entry, digest, problemsOf, stackFile } from "./stackFile";

const platform = { aws: { account: "123456789012", region: "eu-central-1" } };
const backup = {
  schedule: "30 1 * * *",
  retentionDays: 90,
  gitBaseUrl: "https://github.com/pyairtable",
  image: digest,
  compose: { repository: "pyairtable-monorepo", path: "deploy/docker-compose.yml" },
  oidcIssuer: "oidc.eks.eu-central-1.amazonaws.com/id/A1",
};

describe("pyairtable:backup", () => {
  it("is read as it stands, with or without a token", () => {
    assert.ok(!("backup" in parseStackConfig(stackFile())));
    assert.deepEqual(parseStackConfig(stackFile({ platform, backup })).backup, backup);
    const withToken = { ...backup, gitToken: "t" };
    assert.deepEqual(parseStackConfig(stackFile({ platform, backup: withToken })).backup, withToken);
  });

  const cases: [what: string, changes: Entry, expected: string][] = [
    [
      "a schedule that cron doesn't know",
      { schedule: "nightly" },
      'schedule: found "nightly", expected a cron schedule of five fields ("30 1 * * *")',
    ],
    [
      "no retention",
      { retentionDays: 0 },
      "retentionDays: found 0, expected a whole number of days, 1 or more",
    ],
    [
      "credentials in the URL",
      { gitBaseUrl: "https://user:pass@git.example" },
      'gitBaseUrl: found "https://user:pass@git.example", expected an https URL without credentials, above the repositories (https://github.com/pyairtable)',
    ],
    [
      "a URL that sends the token in clear",
      { gitBaseUrl: "http://git.example" },
      'gitBaseUrl: found "http://git.example", expected an https URL without credentials, above the repositories (https://github.com/pyairtable)',
    ],
    [
      "an image by tag",
      { image: "registry/backup:1" },
      'image: found "registry/backup:1", expected an image by digest (repository@sha256:…)',
    ],
    [
      "a repository that could be an option",
      { compose: { repository: "--upload-pack", path: "x" } },
      'compose.repository: found "--upload-pack", expected the name of a repository',
    ],
    [
      "a path from the root",
      { compose: { repository: "pyairtable-monorepo", path: "/compose.yml" } },
      'compose.path: found "/compose.yml", expected a path in that repository',
    ],
    ["no compose", { compose: "x" }, 'compose: found "x", expected a map with repository and path'],
    [
      "an issuer with its scheme",
      { oidcIssuer: "https://oidc.eks.amazonaws.com" },
      'oidcIssuer: found "https://oidc.eks.amazonaws.com", expected the cluster\'s OIDC issuer, without https:// (oidc.eks.eu-central-1.amazonaws.com/id/…)',
    ],
    [
      "a token that isn't one, which isn't shown",
      { gitToken: 12345 },
      "gitToken: found a number (not shown), expected a string that isn't empty",
    ],
  ];
  for (const [what, changes, expected] of cases) {
    it(`is refused for ${what}`, () => {
      const raw = stackFile({ platform, backup: { ...backup, ...changes } });
      assert.deepEqual(problemsOf(raw), [`pyairtable:backup.${expected}`]);
    });
  }

  it("is refused without an account to keep the bundles in", () => {
    assert.deepEqual(problemsOf(stackFile({ backup })), [
      "pyairtable:backup: found no account to keep the bundles in, expected pyairtable:platform.aws",
    ]);
  });
});
