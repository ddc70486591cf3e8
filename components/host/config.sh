# Claims the host for this stack and writes /etc/k0s/k0s.yaml, after the k0s that will read it has judged it.
# ready.sh restarts a running k0s when the file changed.
#
# Variables: OWNER, K0S_YAML.
# stdout: the file's sha256.

# setting KEY FILE: the value of a `key: value` line of YAML, as written.
setting() {
  sed -n "s/^ *$1: *//p" "$2" | tr -d "\"'" | head -n 1
}

# What cannot change once there is a cluster: k0s would start, with an empty cluster or one whose pods cannot talk.
check_unchangeable() {
  storage=$(sed -n '/^  storage:/,/^  [^ ]/s/^ *type: *//p' "$staged")
  if [ -e "$DATA_DIR/db/state.db" ] && [ "$storage" = etcd ]; then
    fail "the cluster here is stored in kine, and the configuration says etcd, with which it would look empty: leave storage out of k0s.yaml"
  fi
  if [ -e "$DATA_DIR/etcd/member" ] && [ "$storage" != etcd ]; then
    fail "the cluster here is stored in etcd (${DATA_DIR#"$R"}/etcd), and the configuration says kine, with which it would look empty: reset k0s on this host first"
  fi
  [ -e "$DATA_DIR/pki/ca.crt" ] && [ -f "$CONFIG" ] || return 0
  for pair in podCIDR:podCidr serviceCIDR:serviceCidr; do
    old=$(setting "${pair%:*}" "$CONFIG")
    new=$(setting "${pair%:*}" "$staged")
    [ "$old" = "$new" ] ||
      fail "${pair#*:} cannot change on a running cluster (${old:-the default} to ${new:-the default}): set it back, or destroy the stack and bring it up again"
  done
}

# claim: what was here before, kept for the delete; then the owner's name.
claim() {
  if [ -f "$CONFIG" ]; then
    if [ ! -e "$CONFIG.old" ]; then
      write_file "$CONFIG.old" 600 <"$CONFIG"
      say "the k0s.yaml that was here is kept as ${CONFIG#"$R"}.old"
    elif ! cmp -s "$CONFIG" "$CONFIG.old"; then
      fail "${CONFIG#"$R"} and ${CONFIG#"$R"}.old are here from before and differ: move them away"
    fi
  fi
  for path in "$R"/opt/cni/bin "$R"/opt/cni/bin/* "$R"/etc/cni/net.d "$R"/var/lib/cni "$R"/var/lib/kubelet \
    "$R"/usr/libexec/k0s "$R"/var/log/pods "$R"/var/log/containers; do
    [ ! -e "$path" ] || echo "${path#"$R"}"
  done | write_file "$KEPT" 644
  printf %s "$OWNER" | write_file "$MARKER" 644
}

require_ownership
[ -x "$K0S" ] || fail "${K0S#"$R"} is missing, so something removed it: run pulumi destroy, then pulumi up"
mkdir -p "$CONFIG_DIR"
# What a run that was killed left behind.
rm -f "$CONFIG_DIR"/.knative-edge.tmp.*
staged=$(mktemp "$CONFIG_DIR/.knative-edge.tmp.XXXXXX")
trap 'rm -f "$staged"' EXIT
chmod 600 "$staged"
printf '%s\n' "$K0S_YAML" >"$staged"

words=$("$K0S" config validate -c "$staged" 2>&1) ||
  fail "k0s refuses the configuration: $(printf '%s\n' "$words" | tail -n 1)"
check_unchangeable
[ -f "$MARKER" ] || claim
# An unchanged file keeps its date.
cmp -s "$staged" "$CONFIG" || mv -f "$staged" "$CONFIG"
sha256 "$CONFIG"
