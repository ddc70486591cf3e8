# Lets a worker join the cluster of this controller: makes a token for it that is valid for ten minutes.
#
# Variables: NODE (the worker's name), MACHINE_ID (of the worker).
# stdout: the token, a secret.

node_kubectl() {
  timeout 30 "$K0S" kubectl --cache-dir="$RUN_DIR/knative-edge-discovery" --request-timeout=20s "$@"
}

# A node of that name may be left from a machine that is gone. One that still works is another worker's.
seen=$(node_kubectl get node "$NODE" --ignore-not-found \
  -o jsonpath='{.status.nodeInfo.machineID} {.status.conditions[?(@.type=="Ready")].status}') ||
  fail "the API does not say whether there is a node $NODE: see systemctl status $SERVICE"
case $seen in
  '' | "$MACHINE_ID "*) ;;
  *' True') fail "the cluster has a node $NODE already, which is another machine (machine-id ${seen% *}): give the worker another name" ;;
  *)
    say "removing the node $NODE, which was another machine"
    node_kubectl delete node "$NODE" >/dev/null || fail "the node $NODE of another machine cannot be removed"
    ;;
esac
timeout 60 "$K0S" token create --role=worker --expiry=10m || fail "k0s gave no join token"
