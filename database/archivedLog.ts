/*
 * What an instance's log tells that is in its repository, when its server can't be asked. pgBackRest hands out a piece of
 * it only where there is an instance; so pieces are read as they are stored, which is as gzip does.
 */

/**
 * Prints when the newest transaction has ended that the repository's log tells of, `2025-08-11 09:00:00.123456`; nothing
 * if there is none.
 * @param programs the folder that has pg_waldump
 */
export function newestTransactionScript(programs: string): string {
  return `set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
find "$PGBACKREST_REPO1_PATH/archive" -type f -printf '%f %p\\n' |
  grep -E '^[0-9A-F]{24}-[0-9a-f]{40}(\\.gz)? ' | sort -r |
  while read -r name file; do
    piece=\${name%%-*}
    case $name in
      *.gz) gzip --decompress --stdout "$file" >"$piece" ;;
      *) cat "$file" >"$piece" ;;
    esac
    # It complains of where the piece ends.
    time=$(TZ=UTC ${programs}/pg_waldump --rmgr=Transaction "$piece" 2>/dev/null |
      sed -n 's/.*, desc: [A-Z_]*.* \\([0-9]\\{4\\}-[0-9][0-9]-[0-9][0-9] [0-9:.]*\\) UTC.*/\\1/p' | tail -n 1)
    rm "$piece"
    if [ -n "$time" ]; then
      echo "$time"
      break
    fi
  done
`;
}

/** The first whole millisecond that isn't before it. @param said what the script has printed */
export function newestTransaction(said: string): Date | undefined {
  const [, date, time, ms = "000", rest = ""] =
    /^(\S+) (\d\d:\d\d:\d\d)(?:\.(\d{3})(\d*))?$/.exec(said.trim()) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const floor = Date.parse(`${date}T${time}.${ms}Z`);
  return new Date(Number(rest) > 0 ? floor + 1 : floor);
}
