#!/usr/bin/env bash
# Which stacks are affected by a change: reads its files from stdin, one a line, and prints the stacks as a JSON list, in
# the order in which they are updated. What isn't known to be harmless affects all.
set -euo pipefail

staging=
prod=
while read -r file; do
  case $file in
    "" | docs/* | *.md | test/* | bench/* | local/* | .ci/* | Pulumi.local.yaml) ;;
    Pulumi.staging.yaml) staging='"staging"' ;;
    Pulumi.prod.yaml) prod='"prod"' ;;
    *) staging='"staging"' prod='"prod"' ;;
  esac
done
echo "[$staging${staging:+${prod:+,}}$prod]"
