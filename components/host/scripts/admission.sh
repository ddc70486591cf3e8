# Waits until the API server admits OBJECT (JSON), by server-side dry runs of it: a webhook whose pods are ready may
# still refuse calls. TIMEOUT is in seconds. Prints nothing; the error has the last refusal.
#
# WEBHOOK_PODS, `namespace selector` or empty, names pods that read their certificate from a Secret that gets it only after
# they start. kubelet copies it to them at its next sync, up to a minute later; a changed annotation makes kubelet sync at
# once.
: "${OBJECT:?}" "${TIMEOUT:?}"

admission_started=$(uptime_seconds)
admission_said=

while :; do
  if admission_answer=$(printf '%s' "$OBJECT" | cluster_kubectl apply --server-side \
    --dry-run=server --force-conflicts --field-manager=knative-edge -f - 2>&1); then
    exit 0
  fi
  # A refused call reads: Internal error occurred: failed calling webhook "name": ... : dial tcp ...: refused.
  admission_answer=$(printf '%s\n' "$admission_answer" | tail -n 1)
  admission_waited=$(($(uptime_seconds) - admission_started))
  if [ "$admission_waited" -ge "$TIMEOUT" ]; then
    echo "The API server still refuses the next object after $TIMEOUT s: $admission_answer" >&2
    echo "Look at the pods behind that webhook: k0s kubectl get pods -A" >&2
    exit 1
  fi
  if [ "$admission_answer" != "$admission_said" ]; then
    echo "waiting for admission: $admission_answer" >&2
    admission_said=$admission_answer
  fi
  if [ -n "${WEBHOOK_PODS:-}" ]; then
    cluster_kubectl -n "${WEBHOOK_PODS%% *}" annotate pods -l "${WEBHOOK_PODS#* }" --overwrite \
      "knative-edge/synced=$admission_waited" >/dev/null 2>&1 || true
  fi
  sleep 1
done
