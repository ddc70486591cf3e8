#!/bin/sh
# The same installation by hand: SSH, k0s, kubectl apply, and waits for the same conditions, one after the other. What
# `pulumi up` is measured against. Ends each phase with a line `phase seconds` on stdout.
#
# Environment: SSH_CONFIG (an OpenSSH client configuration that knows the host as `edge`), KUBECTL, WORK (an empty
# folder), K0S_URL, K0S_SHA256, BUNDLE_URL, BUNDLE_SHA256, K0S_INSTALL_ARGS, API (URL of the API server), and OBJECTS, a
# folder with k0s.yaml, metallb.json, pool.json, definitions.json, core.json, admitted.json, kourier.json, domain.json,
# hello.json.
set -eu

last=$(date +%s.%N)
phase() {
  now=$(date +%s.%N)
  echo "$1 $(echo "$now $last" | awk '{ printf "%.1f", $1 - $2 }')"
  last=$now
}

# until_ok SECONDS COMMAND...: repeats the command until it succeeds.
until_ok() {
  tries=$(($1 * 2))
  shift
  until "$@" >"$WORK/last" 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || {
      cat "$WORK/last" >&2
      exit 1
    }
    sleep 0.5
  done
}

on_host() {
  ssh -F "$SSH_CONFIG" edge "$@"
}

apply() {
  "$KUBECTL" apply --server-side -f "$OBJECTS/$1.json" >/dev/null
}

wait_workloads() {
  "$KUBECTL" -n "$1" rollout status --timeout=300s deployment >/dev/null
}

has_address() {
  address=$("$KUBECTL" -n kourier-system get service kourier -o 'jsonpath={.status.loadBalancer.ingress[0].ip}')
  [ -n "$address" ]
}

on_host "set -eu
  curl -fsS -o /usr/local/bin/k0s.tmp '$K0S_URL'
  echo '$K0S_SHA256  /usr/local/bin/k0s.tmp' | sha256sum -c --quiet
  chmod 755 /usr/local/bin/k0s.tmp && mv /usr/local/bin/k0s.tmp /usr/local/bin/k0s
  mkdir -p /var/lib/k0s/images
  curl -fsS -o /var/lib/k0s/images/images.part '$BUNDLE_URL'
  echo '$BUNDLE_SHA256  /var/lib/k0s/images/images.part' | sha256sum -c --quiet
  mv /var/lib/k0s/images/images.part /var/lib/k0s/images/images.tar"
phase binary

on_host "mkdir -p /etc/k0s && cat >/etc/k0s/k0s.yaml" <"$OBJECTS/k0s.yaml"
on_host "k0s install controller --single -c /etc/k0s/k0s.yaml $K0S_INSTALL_ARGS && systemctl start k0scontroller" >/dev/null
phase install

on_host "timeout 600 sh -c '
  until [ \"\$(k0s kubectl get --raw=/readyz 2>/dev/null)\" = ok ]; do sleep 0.5; done
  until k0s kubectl wait --for=condition=Ready node --all --timeout=300s >/dev/null 2>&1; do sleep 0.5; done
  until k0s kubectl get serviceaccount default >/dev/null 2>&1; do sleep 0.5; done'"
phase ready

(umask 077 && on_host "k0s kubeconfig admin" | sed "s|server: .*|server: $API|" >"$WORK/kubeconfig")
export KUBECONFIG="$WORK/kubeconfig"
phase kubeconfig

apply metallb
wait_workloads metallb-system
"$KUBECTL" -n metallb-system rollout status --timeout=300s daemonset/speaker >/dev/null
until_ok 300 apply pool
phase metallb

apply definitions
"$KUBECTL" wait --for=condition=Established --timeout=60s crd --all >/dev/null
apply core
wait_workloads knative-serving
until_ok 300 apply admitted
phase knative

apply kourier
wait_workloads knative-serving
wait_workloads kourier-system
until_ok 300 has_address
phase kourier

apply domain
"$KUBECTL" -n knative-serving wait --for=condition=Complete --timeout=300s job/default-domain >/dev/null
phase domain

apply hello
"$KUBECTL" wait --for=condition=Ready --timeout=300s ksvc/hello >/dev/null
phase hello

host=$("$KUBECTL" get ksvc hello -o 'jsonpath={.status.url}' | sed 's|http://||')
has_address
until_ok 120 curl -fsS --max-time 10 -H "Host: $host" "http://$address/"
phase probe
