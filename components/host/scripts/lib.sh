# What all phases share: paths, messages, and who owns the k0s on this host.
#
# `sh -s` runs a phase as root. Its stdin is: assignments of the phase's variables, this file, the phase.
# stdout is the phase's result and the same for the same host; stderr is progress, and on failure the reason.
# Exit codes: 0 done, 1 refused or failed, 77 no root (see entry.sh). Every phase converges when it runs again.
# shellcheck disable=SC2034  # Which of these a phase uses differs.
set -eu
export LC_ALL=C
umask 022

# Tests set this to a directory; on a host it is empty.
R=${KNATIVE_EDGE_ROOT:-}
if [ -z "$R" ]; then
  # sudo's secure_path and sshd's default may lack some of these.
  PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
fi

K0S=$R/usr/local/bin/k0s
CONFIG_DIR=$R/etc/k0s
CONFIG=$CONFIG_DIR/k0s.yaml
DATA_DIR=$R/var/lib/k0s
RUN_DIR=$R/run/k0s
# What k0s is here: the controller, which is a node too, or a worker.
K0S_ROLE=${K0S_ROLE:-controller}
SERVICE=k0s$K0S_ROLE
UNIT=$R/etc/systemd/system/$SERVICE.service
PROC=$R/proc

# Names the stack that owns k0s here. The phases write it before the installation, and delete.sh removes it last.
MARKER=$CONFIG_DIR/.knative-edge
# Records which of the directories and CNI plugins that k0s leaves behind were there before it, and the sysctls' old values.
KEPT=$CONFIG_DIR/.knative-edge-kept
# What the unit was installed from.
INSTALLED=$CONFIG_DIR/.knative-edge-installed
# The join token of a worker. It is dead once the worker has joined, but k0s 1.35.1 wants to read one at each start
# (k0sproject/k0s#7202).
TOKEN_FILE=$CONFIG_DIR/.knative-edge-token
# What the service was last started from.
STARTED=$CONFIG_DIR/.knative-edge-started
# The same, once it was ready with that.
SETTLED=$CONFIG_DIR/.knative-edge-settled
# The Services whose endpoints ready.sh holds while k0s restarts.
HELD=$CONFIG_DIR/.knative-edge-held

HOST=$(uname -n)

# say TEXT...: a line of progress.
say() {
  echo "k0s: $*" >&2
}

# fail TEXT...: the one sentence that ends a phase.
fail() {
  echo "$HOST: $*" >&2
  exit 1
}

# have COMMAND: whether the host has it.
have() {
  command -v "$1" >/dev/null 2>&1
}

# cluster_kubectl ARG...: k0s' own kubectl, on the controller. A silent API server would block a call for ever. Its cache goes
# where k0s reset finds it.
cluster_kubectl() {
  timeout 30 "$K0S" kubectl --cache-dir="$RUN_DIR/knative-edge-discovery" --request-timeout=20s "$@"
}

# sha256 FILE: its digest in hexadecimal.
sha256() {
  sha256sum <"$1" | cut -d ' ' -f 1
}

# uptime_seconds: a clock that time synchronisation does not move, as it may on a first boot.
uptime_seconds() {
  read -r uptime _ </proc/uptime
  echo "${uptime%%.*}"
}

# wait_until SECONDS COMMAND...: repeats the command until it succeeds; 1 when the time is over.
wait_until() {
  deadline=$(($(uptime_seconds) + $1))
  shift
  until "$@"; do
    [ "$(uptime_seconds)" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

# write_file FILE MODE: stdin becomes the file, all at once or not at all. If a run is cut off, the next one overwrites the
# unfinished file.
write_file() {
  unfinished=${1%/*}/.knative-edge.tmp.${1##*/}
  (umask 077 && cat >"$unfinished")
  chmod "$2" "$unfinished"
  mv -f "$unfinished" "$1"
}

# fingerprint: changes with everything that k0s reads at its start. For the large binary it uses only the file's identity.
fingerprint() {
  {
    stat -c '%i %y %s' "$K0S"
    cat "$CONFIG" "$UNIT" "$UNIT".d/*.conf 2>/dev/null || true
  } | sha256sum | cut -d ' ' -f 1
}

# restart: makes systemd restart k0s with the present files.
restart() {
  echo unknown | write_file "$STARTED" 644
  systemctl reset-failed "$SERVICE" 2>/dev/null || true
  timeout 150 systemctl restart "$SERVICE" || return 1
  fingerprint | write_file "$STARTED" 644
}

# restart_unready: for a phase that changes what k0s reads. Usually ready.sh restarts k0s. But if k0s did not become ready
# the last time and the operator then set the cause back, Pulumi sees nothing to do for ready.sh.
restart_unready() {
  [ -f "$UNIT" ] && [ -f "$STARTED" ] && ! cmp -s "$STARTED" "$SETTLED" || return 0
  [ "$(fingerprint)" != "$(cat "$STARTED")" ] || return 0
  say "restarting k0s, which was not ready with what was here before"
  restart || fail "systemd could not start $SERVICE: see journalctl -u $SERVICE on the host"
}

# k0s_arch: the architecture as k0s' releases name it, or nothing when no k0s single node was tested on it.
k0s_arch() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
  esac
}

# generation TEXT: n of `stack@address#n`; 1 if there is none.
generation() {
  case $1 in *'#'*) echo "${1##*#}" ;; *) echo 1 ;; esac
}

# generations_behind: by how many generations the k0s on this host is older than OWNER; negative if it is newer.
generations_behind() {
  [ -f "$MARKER" ] || { echo 0 && return; }
  echo $(($(generation "$OWNER") - $(generation "$(cat "$MARKER")")))
}

# ownership_problem: why this stack may not touch the k0s on this host; nothing when it may. Reads OWNER, but ignores its
# generation: see binary.sh.
ownership_problem() {
  if [ -f "$MARKER" ]; then
    claimant=$(cat "$MARKER")
    claimant=${claimant%#*}
    wanted=${OWNER%#*}
    [ "$claimant" != "$wanted" ] || return 0
    remedy="destroy that stack first, or take another host"
    # Both are `stack@address`.
    [ "${claimant#*@}" != "${wanted#*@}" ] || remedy="$remedy; if the stack was renamed, rename it back"
    echo "k0s here belongs to \"$claimant\", not to \"$wanted\": $remedy"
    return
  fi
  for trace in "${UNIT%/*}/k0scontroller.service" "${UNIT%/*}/k0sworker.service" "$R/etc/init.d/$SERVICE" "$DATA_DIR/pki" \
    "$DATA_DIR/db" "$DATA_DIR/etcd" "$DATA_DIR/kubelet.conf"; do
    if [ -e "$trace" ]; then
      echo "a k0s is here that this stack did not install (${trace#"$R"}): remove it with k0s stop and k0s reset, or take another host"
      return
    fi
  done
}

# require_ownership: ends the phase when k0s here is not this stack's.
require_ownership() {
  problem=$(ownership_problem)
  [ -z "$problem" ] || fail "$problem"
}

# claim: records what was here before, for the delete, and then the owner's name.
claim() {
  for path in "$CONFIG" "$R"/run/xtables.lock "$R"/opt/cni/bin "$R"/opt/cni/bin/* "$R"/etc/cni/net.d "$R"/var/lib/cni "$R"/var/lib/kubelet \
    "$R"/usr/libexec/k0s "$R"/var/log/pods "$R"/var/log/containers "$R"/opt/containerd "$R"/run/containerd; do
    [ ! -e "$path" ] || echo "${path#"$R"}"
  done >"$CONFIG_DIR/.knative-edge.tmp.kept"
  sysctls >>"$CONFIG_DIR/.knative-edge.tmp.kept"
  write_file "$KEPT" 644 <"$CONFIG_DIR/.knative-edge.tmp.kept"
  rm -f "$CONFIG_DIR/.knative-edge.tmp.kept"
  printf %s "$OWNER" | write_file "$MARKER" 644
}

# text VALUE: prints it as a JSON string; "absent" for nothing.
text() {
  printf '"%s"' "$(printf %s "${1:-absent}" | tr -d '[:cntrl:]' | sed 's/["\\]/\\&/g')"
}

# sysctls: the present NAME=VALUE of everything that kubelet (setupKernelTunables in pkg/kubelet/cm), kube-proxy (conntrack,
# route_localnet) and kube-router set while they run.
sysctls() {
  for name in net/ipv4/ip_forward net/ipv4/conf/all/route_localnet net/bridge/bridge-nf-call-iptables \
    net/bridge/bridge-nf-call-ip6tables net/netfilter/nf_conntrack_max \
    net/netfilter/nf_conntrack_tcp_timeout_established net/netfilter/nf_conntrack_tcp_timeout_close_wait \
    vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    [ ! -r "$PROC/sys/$name" ] || echo "$(echo "$name" | tr / .)=$(cat "$PROC/sys/$name")"
  done
}

# digest FILE: its sha256, or nothing.
digest() {
  [ ! -f "$1" ] || sha256 "$1"
}

# host_state: what the phases left on this host, and which machine and cluster it is. One line of JSON, its values texts:
# k0sVersion, binarySha256, configSha256, unitArguments, unitSha256, service (as systemctl is-active), atBoot (as
# systemctl is-enabled), machineId, clusterSha256 (of the cluster's CA; on a worker of how it reaches the cluster, once it has
# joined). Changes nothing.
host_state() {
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
    "$(text "$(cluster_digest)")"
}

# cluster_digest: tells one cluster from another, or is nothing outside of one. The kubelet's file of a worker holds its own
# certificate too, which is renewed.
cluster_digest() {
  if [ "$K0S_ROLE" = controller ]; then
    digest "$DATA_DIR/pki/ca.crt"
  elif [ -f "$DATA_DIR/kubelet.conf" ]; then
    grep -E "^ *(server|certificate-authority-data):" "$DATA_DIR/kubelet.conf" | sed "s/^ *//" | sort | sha256sum | cut -d " " -f 1
  fi
}
