#!/usr/bin/env bash
# Finds the stack's cluster and state. Wants PULUMI_STACK, EKS_CLUSTER, PULUMI_BACKEND_URL and AWS credentials.
set -euo pipefail

: "${PULUMI_STACK:?found none, expected the name of a stack}"
: "${EKS_CLUSTER:?found none, expected a cluster: set the variable EKS_CLUSTER_<STACK> of the repository, see docs/ci.md}"
: "${PULUMI_BACKEND_URL:?found none, expected s3://...: set the variable of that name of the repository, see docs/ci.md}"

# The program talks to the context that the stack file names, and to no other.
context=$(sed -n 's/^ *kubeContext: *//p' "Pulumi.$PULUMI_STACK.yaml")
aws eks update-kubeconfig --name "$EKS_CLUSTER" --alias "${context:-$EKS_CLUSTER}"
pulumi login "$PULUMI_BACKEND_URL"
