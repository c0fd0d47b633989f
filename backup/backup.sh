#!/bin/sh
# Bundles every repository and keeps the bundles in S3, under the time of this run. Runs in the pod that
# components/repositoryBackup.ts makes, with git, the AWS CLI and coreutils.
set -eu

: "${BUCKET:?}" "${GIT_BASE_URL:?}" "${REPOSITORIES:?}" "${COMPOSE_REPOSITORY:?}" "${COMPOSE_PATH:?}"
# The most that one transfer may take: a repository that hangs leaves time for the others.
patience=${TRANSFER_SECONDS:-600}

backup=$(date -u +%Y-%m-%dT%H-%M-%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir manifest
: >manifest/MANIFEST

export GIT_TERMINAL_PROMPT=0
if [ -n "${GIT_TOKEN_FILE:-}" ]; then
  # Read where git needs it: the token is in no argument, no URL and no log.
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=credential.helper
  # shellcheck disable=SC2016 # git's shell expands it
  export GIT_CONFIG_VALUE_0='!f() { [ "$1" != get ] || printf "username=x-access-token\npassword=%s\n" "$(cat "$GIT_TOKEN_FILE")"; }; f'
fi

# The default branch, then every ref with what it points at: a bundle doesn't say the first.
refs() {
  git -C "$1" symbolic-ref HEAD && git -C "$1" for-each-ref --format='%(objectname) %(refname)'
}

has_compose() {
  [ "$1" != "$COMPOSE_REPOSITORY" ] || git -C "$1.git" cat-file -e "HEAD:$COMPOSE_PATH"
}

# Verifying reads the head of a bundle only, so it is restored once: that reads every object.
restores() {
  git init --quiet --bare empty.git || return 1
  said=$(git -C empty.git bundle verify "$work/keep/$1.bundle" 2>&1) || {
    echo "$said" >&2
    return 1
  }
  git clone --quiet --mirror "keep/$1.bundle" restored.git &&
    git -C restored.git symbolic-ref HEAD "$(head -n 1 "keep/$1.refs")" &&
    [ "$(refs restored.git)" = "$(cat "keep/$1.refs")" ]
}

# All that is in a folder.
upload() {
  timeout "$patience" aws s3 cp --only-show-errors --recursive "$1" "s3://$BUCKET/$backup"
}

keep() {
  mkdir keep &&
    timeout "$patience" git clone --quiet --mirror "$GIT_BASE_URL/$1.git" "$1.git" &&
    has_compose "$1" &&
    git -C "$1.git" bundle create --quiet "$work/keep/$1.bundle" --all &&
    refs "$1.git" >"keep/$1.refs" &&
    restores "$1" &&
    upload keep &&
    (cd keep && sha256sum "$1.bundle" "$1.refs") >>manifest/MANIFEST
}

kept=0
missing=0
for repository in $REPOSITORIES; do
  if keep "$repository"; then
    kept=$((kept + 1))
    echo "kept $repository, $(wc -c <"keep/$repository.bundle") bytes, $(sed 1d "keep/$repository.refs" | wc -l) refs"
  else
    missing=$((missing + 1))
    echo "NOT KEPT: $repository" >&2
    echo "# without $repository" >>manifest/MANIFEST
  fi
  rm -rf keep "$repository.git" empty.git restored.git
done

# Last: a backup without a manifest is none.
if [ "$kept" -gt 0 ]; then
  upload manifest
  echo "backup $backup: $kept repositories kept, $missing missing"
else
  echo "nothing could be kept, so there is no backup $backup" >&2
fi
[ "$missing" -eq 0 ]
