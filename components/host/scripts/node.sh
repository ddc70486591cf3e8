# Waits on the controller until a worker's node takes work: it is there, gets its labels and taints, reports Ready, and is
# reached at its kubelet and its pods. Then pods may come to it.
#
# Variables: NODE, NODE_ADDRESS; LABELS (lines of key=value) and TAINTS (lines of key=value:effect), and OLD_LABELS and
#   OLD_TAINTS (lines of keys) that it is to lose; SINCE, a time of this controller after which the kubelet has started
#   (default: any); READY_TIMEOUT (seconds, default 600).
# stdout: nothing.

: "${READY_TIMEOUT:=600}" "${SINCE:=}"
node_started=$(uptime_seconds)

# until WHAT COMMAND...: repeats the command until it succeeds, or ends the phase with WHAT is missing.
until_deadline() {
  what=$1
  shift
  next=15
  until "$@"; do
    waited=$(($(uptime_seconds) - node_started))
    [ "$waited" -lt "$READY_TIMEOUT" ] || fail "the worker $NODE was not ready within $READY_TIMEOUT s: $what${found:+ ($found)}"
    if [ "$waited" -ge "$next" ]; then
      say "waiting for $NODE: $what${found:+ ($found)}, $waited s"
      next=$((waited + 15))
    fi
    sleep 0.5
  done
}

# each_line TEXT COMMAND...: the command with all lines of the text as arguments, if there are any.
each_line() {
  lines=$1
  shift
  # Neither labels nor taints have blanks.
  # shellcheck disable=SC2086
  [ -z "$lines" ] || "$@" $lines
}

# marked: whether the node has its labels and taints. Before it is Ready, no pod is placed on it.
marked() {
  found=$({
    # shellcheck disable=SC2086
    each_line "$(printf '%s\n' "$OLD_LABELS" | sed '/./s/$/-/')" cluster_kubectl label node "$NODE"
    each_line "$LABELS" cluster_kubectl label node "$NODE" --overwrite
    each_line "$TAINTS" cluster_kubectl taint node "$NODE" --overwrite
  } 2>&1 >/dev/null | tail -n 1)
  [ -z "$found" ]
}

# present, ready: kubectl watches for some seconds, because calls of it, one after the other and for several workers at once,
# would keep this host's CPU from the API server.
present() {
  cluster_kubectl wait --for=create "node/$NODE" --timeout=10s >/dev/null 2>&1
}

ready() {
  cluster_kubectl wait --for=condition=Ready "node/$NODE" --timeout=10s >/dev/null 2>&1 || true
  found=$(cluster_kubectl get node "$NODE" -o jsonpath='{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime} {.message}{end}' 2>/dev/null) || return 1
  printf '%s\n' "$found" | awk -v since="$SINCE" '$1 == "True" && $2 >= since { ok = 1 } END { exit !ok }' || {
    found=${found#* * }
    return 1
  }
  found=
}

# kubelet_reached: whether its port takes connections. Without it there are no logs, and no kubectl exec.
kubelet_reached() {
  found=
  if have curl; then
    curl --insecure --silent --max-time 5 --output /dev/null "https://$NODE_ADDRESS:10250/healthz" || case $? in 7 | 28) return 1 ;; esac
  fi
}

# pods_reached: whether this host knows the way to the worker's pods.
pods_reached() {
  have ip || return 0
  range=$(cluster_kubectl get node "$NODE" -o jsonpath='{.spec.podCIDR}' 2>/dev/null)
  [ -n "$range" ] && [ -n "$(ip -4 route show "$range")" ]
}

found=
until_deadline "k0s has not made its node" present
# One that is not there any more is no error.
for taint in $OLD_TAINTS; do
  cluster_kubectl taint node "$NODE" "$taint-" >/dev/null 2>&1 || true
done
until_deadline "its labels and taints are refused" marked
until_deadline "its node is not Ready" ready
until_deadline "its kubelet does not answer at $NODE_ADDRESS:10250; open that TCP port to this host" kubelet_reached
until_deadline "there is no way to its pods; open TCP port 179 between the nodes, by which kube-router tells it" pods_reached
cluster_kubectl uncordon "$NODE" >/dev/null || fail "the worker $NODE cannot be uncordoned"
say "the worker $NODE takes work after $(($(uptime_seconds) - node_started)) s"
