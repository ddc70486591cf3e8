# Starts k0s, or restarts it when its binary, configuration or unit changed since, and waits until the node takes
# work: service, status, API, node, DNS, default account. One deadline covers all. It does not wait for metrics-server, which
# takes half a minute more: clients tolerate its API being unavailable. Nor does it wait for the CoreDNS of a new cluster,
# whose first readiness probe comes after half a minute (initialDelaySeconds in pkg/component/controller/coredns.go).
# Meanwhile everything starts that needs no names; the rest waits for Knative's activator, which is ready only with them.
# On a worker it waits for the service and its status, which k0s answers once it has joined; node.sh waits for the rest on the
# controller.
#
# Variables: INSTALL_ARGS (tells which components are off), READY_TIMEOUT (seconds, default 600), STEADY_SERVICES (namespace/name
#   of the Services that keep their endpoints over a restart, separated by blanks; default: none); on a worker JOIN_TOKEN, a
#   secret, with which it joins unless it has (default: none), and API_SERVER, the URL of the controller's API.
# stdout: one line of JSON: seconds, from the start of k0s to each check, and state, see host_state in lib.sh. stderr:
#   progress; on failure the check, and the last lines of k0s' journal.

: "${READY_TIMEOUT:=600}"
CACHE=$RUN_DIR/knative-edge-discovery

# look: reads the service's state from systemd. Sets state and restarts.
look() {
  state=
  restarts=0
  properties=$(systemctl show -p ActiveState -p NRestarts "$SERVICE")
  for property in $properties; do
    case $property in
      ActiveState=*) state=${property#*=} ;;
      NRestarts=*) restarts=${property#*=} ;;
    esac
  done
}

# journal: the last lines of k0s' journal, without what looks like a credential.
journal() {
  echo "--- the last lines of journalctl -u $SERVICE:"
  # Messages of this second may not have reached the journal.
  timeout 10 journalctl --sync >/dev/null 2>&1 || true
  journalctl -u "$SERVICE" -n 30 -o cat --no-pager 2>/dev/null | cut -c 1-400 | sed \
    -e 's/eyJ[A-Za-z0-9_-]*\(\.[A-Za-z0-9_-]*\)*/<hidden>/g' \
    -e 's/\<[a-z0-9]\{6\}\.[a-z0-9]\{16\}\>/<hidden>/g' \
    -e 's#://[^:/@ ]*:[^@ ]*@#://<hidden>@#g' \
    -e 's/\([Tt]oken\|[Pp]assword\|[Ss]ecret\)\(["]*[:=] *\)["]*[^ ",]*/\1\2<hidden>/g' \
    -e '/-----BEGIN/,/-----END/d'
  echo "---"
}

# kubectl ARG...: k0s' own, which needs no kubeconfig. Its cache goes where k0s reset finds it.
kubectl() {
  timeout 20 "$K0S" kubectl --cache-dir="$CACHE" --request-timeout=10s "$@" 2>/dev/null
}

# observe: gets everything that the last checks need with one kubectl.
# Lines of `kind/namespace/name status heartbeat message [conditions]`; the status is of the condition Ready or
# Available, and in brackets are the types of all conditions that hold.
observe() {
  cluster=$(kubectl get nodes,deployments.apps,serviceaccounts --all-namespaces -o jsonpath='{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{.status.conditions[?(@.type=="Available")].status} {.status.conditions[?(@.type=="Ready")].lastHeartbeatTime} {.status.conditions[?(@.type=="Ready")].message} [{.status.conditions[?(@.status=="True")].type}]{"\n"}{end}') ||
    cluster=
}

# seen REGEX: whether a line of the last observation, or of a new one, matches.
seen() {
  printf '%s\n' "$cluster" | grep -q "$1" && return
  observe
  printf '%s\n' "$cluster" | grep -q "$1"
}

# The checks, each repeated until it holds.
service_active() { [ "$state" = active ]; }
status_answers() { [ -e "$RUN_DIR/status.sock" ] && timeout 20 "$K0S" status >/dev/null 2>&1; }
api_ready() { [ "$(kubectl get --raw=/readyz)" = ok ]; }
dns_available() { seen '^Deployment/kube-system/coredns True'; }
account_there() { seen '^ServiceAccount/default/default '; }
# A node that was Ready before a restart still looks Ready: only what kubelet reported since then counts. k0s takes the host's
# name in small letters for the node's.
node="Node//$(printf %s "$HOST" | tr '[:upper:]' '[:lower:]')"
node_ready() {
  observe
  printf '%s\n' "$cluster" |
    awk -v node="$node" -v since="$started_at" '$1 == node && $2 == "True" && $3 >= since { ok = 1 } END { exit !ok }'
}

# pressures: what the node is short of, so that kubelet evicts pods and takes no new ones.
pressures() {
  printf '%s\n' "$cluster" | sed -n "\\|^$node |s/.*\[\(.*\)\]\$/\1/p" | tr ' ' '\n' | grep Pressure | while read -r condition; do
    case $condition in
      DiskPressure) echo "DiskPressure: free some disk on the host, see df -h ${DATA_DIR#"$R"}" ;;
      MemoryPressure) echo "MemoryPressure: stop other programs on the host, or give it more memory" ;;
      *) echo "$condition" ;;
    esac
  done
}

# hint: what is known about why a check does not hold.
hint() {
  words=
  case $rung in
    node) words=$(printf '%s\n' "$cluster" | sed -n "s| \[[^]]*\]\$||; s|^$node *[^ ]* *[^ ]* *|${node#Node//}: |p" | head -n 1) ;;
    service) words="it is $state" ;;
    status) words=$(unreachable) ;;
  esac
  short=$(pressures | tr '\n' ';' | sed 's/;$//; s/;/; /g')
  words="$words${words:+${short:+; }}${short:+the node is under $short}"
  [ -z "$words" ] || echo " ($words)"
}

# unreachable: says that a worker does not get through to the API. Any answer is one, such as 401.
unreachable() {
  [ "$K0S_ROLE" = worker ] || return 0
  if have curl; then
    ! curl --insecure --silent --max-time 5 --output /dev/null "$API_SERVER" || return 0
  else
    wget -q --no-check-certificate --tries=1 --timeout=5 -O /dev/null "$API_SERVER" 2>/dev/null || [ $? -eq 4 ] || return 0
  fi
  echo "$API_SERVER does not answer this host: open its TCP port to the workers"
}

elapsed() {
  echo $(($(uptime_seconds) - start))
}

# climb NAME WHAT COMMAND: repeats the command until it holds; records how long that took.
climb() {
  rung=$1
  next_word=$(($(elapsed) + 15))
  while :; do
    look
    "$3" && break
    if [ "$state" = failed ] || [ $((restarts - restarts_before)) -ge 3 ]; then
      journal >&2
      fail "k0s does not stay up (systemd: $state, $restarts restarts): its last words are above; k0s sysinfo on the host tells what k0s misses"
    fi
    if [ "$(elapsed)" -ge "$READY_TIMEOUT" ]; then
      journal >&2
      fail "k0s was not ready within $READY_TIMEOUT s: $2 was not reached$(hint). Its last words are above; if the host is merely slow, raise readyTimeoutSeconds"
    fi
    if [ "$(elapsed)" -ge "$next_word" ]; then
      say "waiting for $2$(hint), $(elapsed) s"
      next_word=$((next_word + 15))
    fi
    sleep 0.5
  done
  seconds="$seconds${seconds:+,}\"$rung\":$(elapsed)"
  say "$2 after $(elapsed) s"
}

# disabled COMPONENT: whether k0s leaves it out.
disabled() {
  case ",$(printf %s "$INSTALL_ARGS" | tr '\n =' ',,,')," in *",$1,"*) ;; *) return 1 ;; esac
}

# retire: removes what k0s deployed for metrics-server before the operator switched it off. k0s leaves it running, or applies
# it again if it is gone. An API without a server would delay every discovery of the cluster's APIs.
retire() {
  manifests=$DATA_DIR/manifests/metricserver
  disabled metrics-server && [ -e "$manifests" ] || return 0
  say "removing metrics-server, which was switched off"
  rm -f "$manifests"/*
  kubectl delete --all-namespaces -l k0s.k0sproject.io/stack=metricserver --wait=false \
    apiservices,deployments,services,serviceaccounts,rolebindings,clusterrolebindings,clusterroles >/dev/null ||
    fail "metrics-server was switched off and cannot be removed from the cluster: is its API overloaded? Run pulumi up again"
  # Last, so that the next run repeats a removal that failed.
  rmdir "$manifests"
}

# hold: keeps the endpoints of STEADY_SERVICES while k0s restarts. Up to Kubernetes 1.34 a kubelet that starts takes each pod
# with a readiness probe for not ready until it has asked it (kubernetes/kubernetes#100277). For that moment, or on a busy host
# for a probe's period, a Service with one pod would have no endpoint, and no request would be answered.
hold() {
  [ "$state" = active ] && [ -n "${STEADY_SERVICES:-}" ] || return 0
  printf '%s\n' "$STEADY_SERVICES" | write_file "$HELD" 644
  publish_not_ready true || say "the API does not take a change: requests may fail for a moment while k0s restarts"
}

# release: ends that once kubelet has asked the pods behind those Services.
release() {
  [ -f "$HELD" ] || return 0
  say "waiting until kubelet has asked the pods that requests pass"
  wait_until 60 pods_asked || say "some of them are not ready: see k0s kubectl get pods --all-namespaces on the host"
  wait_until "$READY_TIMEOUT" publish_not_ready false ||
    fail "the API takes no change of the Services $(cat "$HELD"): is it overloaded? Run pulumi up again"
  rm -f "$HELD"
}

# publish_not_ready VALUE: whether those of the Services in HELD that are there have pods that are not ready among their
# endpoints.
publish_not_ready() {
  there=$(kubectl get services --all-namespaces -o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}') ||
    return 1
  names=$(tr ' ' '\n' <"$HELD" | while read -r name; do printf '%s\n' "$there" | grep -x "$name" || true; done)
  [ -n "$names" ] || return 0
  printf '%s\n' "$names" | while IFS=/ read -r namespace name; do
    printf '{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"%s","name":"%s"}}\n' "$namespace" "$name"
  done | kubectl patch -f - --type=merge -p "{\"spec\":{\"publishNotReadyAddresses\":$1}}" >/dev/null
}

# pods_asked: whether the pods of this node behind those Services became ready after the restart. kubelet gives the condition
# a new time even if it was ready again before the API server knew.
pods_asked() {
  kubectl get endpointslices,pods --all-namespaces -o jsonpath='{range .items[*]}{.kind}|{.metadata.namespace}/{.metadata.name}|{.metadata.namespace}/{.metadata.labels.kubernetes\.io/service-name}|{.endpoints[*].targetRef.name}|{.spec.nodeName}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="Ready")].lastTransitionTime}{"\n"}{end}' |
    awk -F '|' -v node="${node#Node//}" -v since="$started_at" '
      FILENAME != "-" { count = split($0, names, " "); for (i = 1; i <= count; i++) held[names[i]]; next }
      { seen = 1; namespace = $2; sub("/.*", "/", namespace) }
      $1 == "EndpointSlice" && $3 in held {
        count = split($4, pods, " ")
        for (i = 1; i <= count; i++) behind[namespace pods[i]]
      }
      $1 == "Pod" && $2 in behind && $5 == node && !($6 == "True" && $7 >= since) { waits = 1 }
      END { exit !seen || waits }' "$HELD" -
}

[ -f "$UNIT" ] || fail "k0s is not installed as a service (${UNIT#"$R"}), so something removed it: run pulumi destroy, then pulumi up"
if [ -n "${JOIN_TOKEN:-}" ] && [ ! -f "$DATA_DIR/kubelet.conf" ]; then
  printf %s "$JOIN_TOKEN" | write_file "$TOKEN_FILE" 600
fi
cluster=
seconds=
started_at=
if [ -f "$STARTED" ]; then new=false; else new=true; fi
# Before the restart, because its time counts too.
start=$(uptime_seconds)
look
if [ "$state" = active ] && [ -f "$STARTED" ] && [ "$(cat "$STARTED")" = "$(fingerprint)" ]; then
  say "running, and nothing changed"
else
  case $state in
    active | activating) say "restarting k0s, for it changed" ;;
    *) say "starting k0s" ;;
  esac
  hold
  restart || {
    journal >&2
    fail "systemd could not start $SERVICE: its last words are above"
  }
  started_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
fi
look
restarts_before=$restarts

climb service "the service" service_active
climb status "k0s status" status_answers
if [ "$K0S_ROLE" = worker ]; then
  write_file "$SETTLED" 644 <"$STARTED"
  printf '{"seconds":{%s},"state":%s}\n' "$seconds" "$(host_state)"
  exit 0
fi
climb readyz "the API (/readyz)" api_ready
climb node "a Ready node" node_ready
"$new" || disabled coredns || climb dns "CoreDNS" dns_available
climb account "the default ServiceAccount" account_there
release
retire

write_file "$SETTLED" 644 <"$STARTED"
say "ready in $(elapsed) s ($(echo "$seconds" | tr -d '"' | sed 's/:/ /g; s/,/, /g'))"
printf '{"seconds":{%s},"state":%s}\n' "$seconds" "$(host_state)"
