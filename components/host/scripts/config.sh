# Claims the host for this stack and writes /etc/k0s/k0s.yaml, after the k0s that will read it has validated it.
# ready.sh restarts a running k0s when the file changed.
#
# Variables: OWNER, K0S_YAML.
# stdout: the file's sha256.

# With another storage k0s would start without an error, and the cluster would be empty.
check_storage() {
  storage=$(sed -n '/^  storage:/,/^  [^ ]/s/^ *type: *//p' "$staged")
  if [ -e "$DATA_DIR/db/state.db" ] && [ "$storage" = etcd ]; then
    fail "the cluster here is stored in kine, and the configuration says etcd, with which it would look empty: leave storage out of k0s.yaml"
  fi
  if [ -e "$DATA_DIR/etcd/member" ] && [ "$storage" != etcd ]; then
    fail "the cluster here is stored in etcd (${DATA_DIR#"$R"}/etcd), and the configuration says kine, with which it would look empty: reset k0s on this host first"
  fi
}

# keep_config: the k0s.yaml that was here before comes back with the delete.
keep_config() {
  [ -f "$CONFIG" ] || return 0
  if [ ! -e "$CONFIG.old" ]; then
    write_file "$CONFIG.old" 600 <"$CONFIG"
    say "the k0s.yaml that was here is kept as ${CONFIG#"$R"}.old"
  elif ! cmp -s "$CONFIG" "$CONFIG.old"; then
    fail "${CONFIG#"$R"} and ${CONFIG#"$R"}.old are here from before and differ: move them away"
  fi
}

require_ownership
[ -x "$K0S" ] || fail "${K0S#"$R"} is missing, so something removed it: run pulumi destroy, then pulumi up"
mkdir -p "$CONFIG_DIR"
staged=$CONFIG_DIR/.knative-edge.tmp.yaml
trap 'rm -f "$staged"' EXIT
printf '%s\n' "$K0S_YAML" | write_file "$staged" 600

words=$("$K0S" config validate -c "$staged" 2>&1) ||
  fail "k0s refuses the configuration: $(printf '%s\n' "$words" | tail -n 1)"
check_storage
if [ ! -f "$MARKER" ]; then
  keep_config
  claim
fi
# An unchanged file keeps its date.
cmp -s "$staged" "$CONFIG" || mv -f "$staged" "$CONFIG"
restart_unready
sha256 "$CONFIG"
