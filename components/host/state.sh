# Tells what is on the host, without changing anything: what the other phases left, and which machine and cluster it is.
#
# stdout: one line of JSON, its values texts: k0sVersion, binarySha256, configSha256, unitArguments, unitSha256, service
#   (as systemctl is-active), atBoot (as systemctl is-enabled), machineId, clusterSha256 (of the cluster's CA).
#   "absent" stands for what is not there.

# text VALUE: as a JSON string.
text() {
  printf '"%s"' "$(printf %s "${1:-absent}" | tr -d '[:cntrl:]' | sed 's/["\\]/\\&/g')"
}

# digest FILE: its sha256, or nothing.
digest() {
  [ ! -f "$1" ] || sha256 "$1"
}

version=
[ ! -x "$K0S" ] || version=$(timeout 20 "$K0S" version 2>/dev/null) || version="not to be run"
unit_digest=
[ ! -f "$UNIT" ] || unit_digest=$(cat "$UNIT" "$UNIT".d/*.conf 2>/dev/null | sha256sum | cut -d ' ' -f 1)
arguments=$(sed -n 's/^ExecStart=[^ ]* *//p' "$UNIT" 2>/dev/null) || arguments=

printf '{"k0sVersion":%s,"binarySha256":%s,"configSha256":%s,"unitArguments":%s,"unitSha256":%s,"service":%s,"atBoot":%s,"machineId":%s,"clusterSha256":%s}\n' \
  "$(text "$version")" \
  "$(text "$(digest "$K0S")")" \
  "$(text "$(digest "$CONFIG")")" \
  "$(text "$arguments")" \
  "$(text "$unit_digest")" \
  "$(text "$(systemctl is-active "$SERVICE" 2>/dev/null)")" \
  "$(text "$(systemctl is-enabled "$SERVICE" 2>/dev/null)")" \
  "$(text "$(cat "$R/etc/machine-id" 2>/dev/null)")" \
  "$(text "$(digest "$DATA_DIR/pki/ca.crt")")"
