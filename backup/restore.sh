#!/bin/sh
# Lists the backups that backup.sh has made, and restores one repository of one into a new bare repository. Needs git,
# the AWS CLI with credentials that may read the bucket, and coreutils; nothing of the cluster and nothing of Pulumi.
set -eu

usage() {
  cat >&2 <<'END'
usage: BUCKET=<bucket> restore.sh list
       BUCKET=<bucket> restore.sh <backup> <repository> <new folder>
END
  exit 2
}

refuse() {
  echo "refused: $1" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() {
  aws s3 cp --only-show-errors "s3://$BUCKET/$backup/$1" "$work/$1"
}

# The bundle and the refs, at once.
download_repository() {
  aws s3 cp --only-show-errors --recursive --exclude '*' --include "$repository.bundle" --include "$repository.refs" \
    "s3://$BUCKET/$backup" "$work"
}

list() {
  aws s3 cp --only-show-errors --recursive --exclude '*' --include '*/MANIFEST' "s3://$BUCKET" "$work"
  find "$work" -name MANIFEST | sort -r | while read -r manifest; do
    without=$(sed -n 's/^# without //p' "$manifest" | tr '\n' ' ')
    echo "$(basename "$(dirname "$manifest")")  $(grep -c '\.bundle$' "$manifest") bundles${without:+, without ${without% }}"
  done
}

restore() {
  [ ! -e "$folder" ] || refuse "$folder exists; name a folder that doesn't"
  download MANIFEST || refuse "$backup is no backup; list shows those that are"
  awk -v bundle="$repository.bundle" -v refs="$repository.refs" '$2 == bundle || $2 == refs' "$work/MANIFEST" >"$work/wanted"
  [ -s "$work/wanted" ] ||
    refuse "$backup has no $repository; it has $(sed -n 's/^[0-9a-f]*  \(.*\)\.bundle$/\1/p' "$work/MANIFEST" | tr '\n' ' ')"

  download_repository
  (cd "$work" && sha256sum --check --quiet wanted) || refuse "not what was uploaded; nothing was restored"

  git init --quiet --bare "$work/empty.git"
  said=$(git -C "$work/empty.git" bundle verify "$work/$repository.bundle" 2>&1) || refuse "git can't restore the bundle: $said"
  git clone --quiet --mirror "$work/$repository.bundle" "$work/restored.git" || refuse "git can't restore the bundle"
  head=$(head -n 1 "$work/$repository.refs")
  git -C "$work/restored.git" symbolic-ref HEAD "$head"
  git -C "$work/restored.git" config --remove-section remote.origin
  sed 1d "$work/$repository.refs" >"$work/expected"
  git -C "$work/restored.git" for-each-ref --format='%(objectname) %(refname)' | diff "$work/expected" - >&2 ||
    refuse "the refs differ from those that were backed up (< backed up, > restored)"
  git -C "$work/restored.git" fsck --full --no-progress --no-dangling

  mv "$work/restored.git" "$folder"
  echo "restored $repository of $backup into $folder: $(wc -l <"$work/expected") refs, all as backed up, on ${head#refs/heads/}"
}

[ -n "${BUCKET:-}" ] || usage
if [ "$#" -eq 1 ] && [ "$1" = list ]; then
  list
elif [ "$#" -eq 3 ]; then
  backup=$1 repository=$2 folder=$3
  restore
else
  usage
fi
