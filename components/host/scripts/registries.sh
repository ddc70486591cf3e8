# Tells containerd how to reach registries: a hosts.toml for each, and a drop-in that names their directory. k0s restarts
# containerd when a drop-in changes (watchDropinConfigs in its pkg/component/worker/containerd); pods run on meanwhile.
# containerd reads hosts.toml at each pull.
#
# Variables: OWNER, CONTAINERD_TOML (the text of the drop-in), FILES (for each file a line `== <path below the directory>`,
#   then its text).
# stdout: the sha256 of both.

imports=$CONFIG_DIR/containerd.d
directory=$imports/knative-edge
drop_in=$directory.toml

# containerd_pid: the process of k0s' containerd, or nothing.
containerd_pid() {
  cat "$RUN_DIR/containerd.pid" 2>/dev/null || true
}

# restarted: whether another containerd runs. k0s starts it five seconds after the end of the first, and there is no file
# with its id meanwhile.
restarted() {
  now=$(containerd_pid)
  [ -n "$now" ] && [ "$now" != "$before" ]
}

# runs_on: whether k0s runs, and ready.sh will leave it running.
runs_on() {
  [ -n "$before" ] && [ -f "$STARTED" ] && [ "$(fingerprint)" = "$(cat "$STARTED")" ]
}

# put FROM TO: makes a file the text of another, unless it is that already.
put() {
  cmp -s "$1" "$2" || mv -f "$1" "$2"
}

require_ownership
if [ -f "$CONFIG_DIR/containerd.toml" ] && [ "$(head -n 1 "$CONFIG_DIR/containerd.toml")" != "# k0s_managed=true" ]; then
  fail "k0s reads no drop-ins here, because ${CONFIG_DIR#"$R"}/containerd.toml is not its own: move that file away, or unset registries"
fi
other=$(grep -lsE "^[[:space:]]*config_path" "$imports"/*.toml | grep -vxF "$drop_in" | head -n 1)
[ -z "$other" ] ||
  fail "${other#"$R"} names another directory of registries (config_path), of which containerd takes one: put its registries into the key registries and remove it"

before=$(containerd_pid)
# Outside of the directory of drop-ins, which is to have no unfinished file.
staged=$CONFIG_DIR/.knative-edge.tmp.registries
trap 'rm -rf "$staged"' EXIT
rm -rf "$staged"
mkdir -p "$directory" "$staged/files"
while IFS= read -r line; do
  case $line in
    '== '*)
      file=$staged/files/${line#== }
      mkdir -p "${file%/*}"
      ;;
    *) printf '%s\n' "$line" >>"$file" ;;
  esac
done <<END
$FILES
END
(cd "$staged/files" && find . -type f) >"$staged/list"
# Those of an earlier configuration.
(cd "$directory" && find . -type f) | grep -vxF -f "$staged/list" | while read -r file; do
  rm -f "$directory/$file"
done
while read -r file; do
  mkdir -p "$directory/${file%/*}"
  put "$staged/files/$file" "$directory/$file"
done <"$staged/list"
find "$directory" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true

printf '%s\n' "$CONTAINERD_TOML" >"$staged/drop-in"
# Last, because k0s restarts containerd three seconds after it.
if ! cmp -s "$staged/drop-in" "$drop_in"; then
  put "$staged/drop-in" "$drop_in"
  if runs_on; then
    say "waiting for k0s to restart containerd, which then knows the registries"
    wait_until 30 restarted || say "k0s has not restarted containerd, which knows the registries only after a restart of k0s"
  fi
fi
printf '%s\n%s\n' "$CONTAINERD_TOML" "$FILES" | sha256sum | cut -d ' ' -f 1
