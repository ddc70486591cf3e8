# Moves the pods of a worker to other nodes, on the controller, and removes its node if it is to leave.
#
# Variables: NODE, MACHINE_ID (of the worker: a node of another machine is left alone), DRAIN_TIMEOUT (seconds, for all pods
#   to end), LEAVES (yes: the node is removed), GONE (yes: the machine is gone, so its pods are not waited for; default: no).
# stdout: the time, as kubelets report it.

seen=$(cluster_kubectl get node "$NODE" --ignore-not-found \
  -o jsonpath='{.status.nodeInfo.machineID} {.status.conditions[?(@.type=="Ready")].status}') ||
  fail "the API does not say whether there is a node $NODE: see systemctl status $SERVICE"
case $seen in
  "$MACHINE_ID "*) ;;
  *)
    say "there is no node $NODE any more"
    exit 0
    ;;
esac

if [ "${GONE:-no}" = yes ]; then
  say "$NODE is gone: its pods are not waited for"
elif [ "${seen#* }" != True ]; then
  say "$NODE is not Ready, so its pods cannot be asked to end"
else
  say "moving the pods of $NODE to other nodes, for at most $DRAIN_TIMEOUT s"
  words=$(timeout $((DRAIN_TIMEOUT + 30)) "$K0S" kubectl --cache-dir="$RUN_DIR/knative-edge-discovery" \
    drain "$NODE" --ignore-daemonsets --delete-emptydir-data --timeout="${DRAIN_TIMEOUT}s" 2>&1) || {
    [ "${LEAVES:-no}" = yes ] || cluster_kubectl uncordon "$NODE" >/dev/null 2>&1 || true
    # kubectl names each pod that it could not evict, and why; its last line tells of the time alone.
    refused=$(printf '%s\n' "$words" | grep -E '^(error when evicting|error: cannot delete|There are pending pods|cannot delete)' | tail -n 1 | sed 's/^cannot delete cannot/cannot/')
    fail "the pods of $NODE could not all be moved within $DRAIN_TIMEOUT s: ${refused:-$(printf '%s\n' "$words" | tail -n 1)}. Remove that pod or its PodDisruptionBudget, and run pulumi up again"
  }
fi
if [ "${LEAVES:-no}" = yes ]; then
  cluster_kubectl delete node "$NODE" >/dev/null || fail "the node $NODE cannot be removed from the cluster"
  say "$NODE has left the cluster"
fi
date -u +%Y-%m-%dT%H:%M:%SZ
