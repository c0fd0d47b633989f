#!/usr/bin/env bash
# Finds what a workflow wrote before: find-marked.sh LIST MARKER
#   LIST    comments or issues, as a path of GitHub's API
#   MARKER  the first line of what is looked for
# Prints an issue's number or a comment's id, or nothing. What people wrote is left alone, whatever they quote.
set -euo pipefail

list=$1
marker=$2
found=$(gh api --paginate "$list" --jq '.[] | select(.user.login == "github-actions[bot]")
  | "\(.number // .id) \(.body // "" | split("\n")[0] // "" | rtrimstr("\r"))"')
while read -r number line; do
  if [ "$line" = "$marker" ]; then
    echo "$number"
    break
  fi
done <<<"$found"
