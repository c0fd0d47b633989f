import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1";
import * as pulumi from "@pulumi/pulumi";

export interface SharedResourcesArgs {
  /** Who owns them. Owned by Terraform they are none of this program's business. */
  owner: "terraform" | "pulumi";
}

/**
 * What all targets share and no target owns. The cutover of `infrastructure` adopts it as it is, and its rollback
 * lets go of it without deleting.
 */
export class SharedResources extends pulumi.ComponentResource {
  constructor(name: string, args: SharedResourcesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:SharedResources", name, {}, opts);

    if (args.owner === "pulumi") {
      new PriorityClass(
        `${name}-priority-class`,
        {
          metadata: { name: "pyairtable-service", labels: { "app.kubernetes.io/part-of": "pyairtable" } },
          value: 1000,
          globalDefault: false,
          description: "PyAirtable's services: above batch work, below the cluster's own parts",
        },
        // Terraform made it and gets it back: server-side apply adopts what exists, and letting go deletes nothing.
        { parent: this, retainOnDelete: true },
      );
    }

    this.registerOutputs({});
  }
}
