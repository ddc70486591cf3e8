# Keeps a node's name in the cluster of this controller for a worker; drain.sh gives it up. It comes before the worker joins, so
# that a worker whose join failed or was cut off leaves no node behind.
#
# Variables: NODE (the worker's name), MACHINE_ID (of the worker), LEAVE_TIMEOUT (seconds for a node of that name to be
#   noticed as lost; default 60).
# stdout: nothing.

# free: whether no other machine that works has the name. A rebuilt machine has another id, and its old node is Ready until the
# controller notices.
free() {
  seen=$(cluster_kubectl get node "$NODE" --ignore-not-found \
    -o jsonpath='{.status.nodeInfo.machineID} {.status.conditions[?(@.type=="Ready")].status}') ||
    fail "the API does not say whether there is a node $NODE: see systemctl status $SERVICE"
  case $seen in
    "$MACHINE_ID "*) ;;
    *' True') return 1 ;;
  esac
}

wait_until "${LEAVE_TIMEOUT:-60}" free ||
  fail "the cluster has a node $NODE already, which is another machine (machine-id ${seen% *}): give the worker another name"
case $seen in
  '' | "$MACHINE_ID "*) ;;
  *)
    say "removing the node $NODE, which was another machine"
    cluster_kubectl delete node "$NODE" >/dev/null || fail "the node $NODE of another machine cannot be removed"
    ;;
esac
