#!/usr/bin/env bash
# Refuses an update that is out of date: one that was started again, or approved, after something that affects the
# stack was merged. It would take that back, and that may be a rollback. Wants PULUMI_STACK and GH_TOKEN.
set -euo pipefail

later=$(gh api "repos/$GITHUB_REPOSITORY/compare/$GITHUB_SHA...$GITHUB_REF_NAME" \
  --jq '.files[] | .filename, (.previous_filename // empty)')
affected=$("$(dirname "$0")/affected.sh" <<<"$later")
if [[ $affected == *"\"$PULUMI_STACK\""* ]]; then
  echo "::error::$GITHUB_REF_NAME has moved on since $GITHUB_SHA: found later changes that affect $PULUMI_STACK," \
    "expected none. Approve or start the newest run: Actions, update, Run workflow."
  exit 1
fi
