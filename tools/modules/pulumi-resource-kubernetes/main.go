// Command pulumi-resource-kubernetes serves the Kubernetes provider. The
// module publishes no buildable main: it embeds two generated files that it
// doesn't carry. The build puts the two they are made from beside this file.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

// Set by the linker: the version of the npm SDK that this provider serves.
var version string

func main() {
	provider.Serve("kubernetes", version, schema, terraformMapping)
}
