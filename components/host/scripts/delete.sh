# Takes k0s off the host: stops it, resets it, removes what a reset leaves, and says what still remains.
# Removes only what this stack or its k0s made. Its time is bounded, and it can run again after it was cut off.
#
# Variables: OWNER. stdout: nothing. Fails only when something remains that would make a new installation fail.

BRIDGE=kube-bridge

# kept PATH: whether it was there before k0s.
kept() {
  grep -qsx "$1" "$KEPT"
}

# processes_of k0s|pods: the ids of k0s and its components, or of everything that runs in pods, including their shims.
processes_of() {
  {
    if [ "$1" = k0s ]; then
      find "$PROC"/[0-9]*/exe \( -lname "$K0S" -o -lname "$K0S (deleted)" -o -lname "$DATA_DIR/*" ! -lname '*/containerd-shim*' \)
    else
      find "$PROC"/[0-9]*/exe -lname "$DATA_DIR/*"
      grep -ls kubepods "$PROC"/[0-9]*/cgroup
    fi
  } 2>/dev/null | sed "s|^$PROC/||; s|/.*||" | sort -u | while read -r pid; do
    # A process that has ended and waits for its parent has no executable any more.
    ! readlink "$PROC/$pid/exe" >/dev/null || echo "$pid"
  done
}

none_of() {
  [ -z "$(processes_of "$1")" ]
}

# end_processes k0s|pods SIGNAL SECONDS: sends the signal, waits so long, then kills.
end_processes() {
  for signal in "$2" KILL; do
    pids=$(processes_of "$1" | tr '\n' ' ')
    [ -n "$pids" ] || return 0
    say "ending processes of $1 ($signal): $pids"
    for pid in $pids; do kill -s "$signal" "$pid" 2>/dev/null || true; done
    ! wait_until "$3" none_of "$1" || return 0
  done
}

# mounts: what is mounted inside k0s' directories and as pods' network namespaces, the innermost first.
mounts() {
  awk '{ print $2 }' "$PROC/self/mounts" | grep -e "^$DATA_DIR/" -e "^$RUN_DIR/" -e "^$R/run/netns/cni-" | sort -r
}

# packet_filters: the commands of this host that may hold rules: nftables' and the older kind, IPv4 and IPv6.
packet_filters() {
  for family in iptables ip6tables; do
    for kind in "" -nft -legacy; do
      ! have "$family$kind-save" || echo "$family$kind"
    done
  done
}

# removal: reads iptables-save, and prints input for iptables-restore --noflush that deletes k0s' chains, and rules in other
# chains that jump to them or name its bridge and sets. It leaves everything else in the tables.
removal() {
  chains=KUBE-
  # With CNI plugins of an earlier program on this host, their chains look like those of pods.
  kept /var/lib/cni || chains='(KUBE|CNI)-'
  awk -v chains="^$chains" -v bridge="$BRIDGE" '
    function own(    words, count, i) {
      gsub(/"[^"]*"/, "\"\"", line)
      count = split(line, words, " ")
      for (i = 3; i < count; i++) {
        if ((words[i] == "-j" || words[i] == "-g") && words[i + 1] ~ chains) return 1
        if ((words[i] == "-i" || words[i] == "-o") && words[i + 1] == bridge) return 1
        if (words[i] == "--match-set" && words[i + 1] ~ /^(inet6:)?(kube-router-|KUBE-)/) return 1
      }
      return 0
    }
    /^\*/ { table = $0; names = rules = deletes = "" }
    /^:/ && substr($1, 2) ~ chains { names = names $1 " - [0:0]\n"; deletes = deletes "-X " substr($1, 2) "\n" }
    /^-A / && $2 !~ chains {
      line = $0
      if (own() || /allow outbound node port traffic on node interface with which node ip is associated/)
        rules = rules "-D" substr($0, 3) "\n"
    }
    /^COMMIT/ && names rules != "" { printf "%s\n%s%s%sCOMMIT\n", table, names, rules, deletes }'
}

# links: k0s' network interfaces and, while they are attached to its bridge, the pods'. It asks ip, because in a container
# /sys may be that of another network namespace.
links() {
  {
    ip -o link show
    ip -o link show master $BRIDGE | sed 's/^/port /'
  } 2>/dev/null | sed 's/@/:/' | awk -F '[ :]+' -v own="^($BRIDGE|kube-dummy-if|kube-ipvs0)$" \
    '$1 == "port" { print $3 } $2 ~ own { print $2 }'
}

remove_rules() {
  for filter in $(packet_filters); do
    script=$("$filter-save" 2>/dev/null | removal)
    [ -z "$script" ] || printf '%s\n' "$script" | "$filter-restore" -w 10 --noflush ||
      say "$filter: the rules of k0s could not be removed"
  done
}

# sets: kube-router's sets of addresses, and network policies'.
sets() {
  ! have ipset || ipset list -n 2>/dev/null | grep -E '^(inet6:)?(kube-router-|KUBE-)' || true
}

# borrow_ipset: copies ipset out of the image of kube-router (images/kube-router of k0sproject/image-builder), because k0s
# itself has none: Alpine's with its loader and libraries, or in newer images a static program. The copy is needed because
# the sets can be removed only after the pods that use them, and k0s' data, with the image, is gone by then.
borrow_ipset() {
  root=$(grep -lsx kube-router "$PROC"/[0-9]*/comm | head -n 1)
  root=${root%/comm}/root
  [ -f "$root/usr/sbin/ipset" ] || return 0
  mkdir "$tools/lib"
  cp "$root/usr/sbin/ipset" "$tools/lib" || return 0
  loader=
  if cp "$root"/usr/lib/libipset.so.* "$root"/usr/lib/libmnl.so.* "$root"/lib/ld-musl-*.so.1 "$tools/lib" 2>/dev/null; then
    loader="$(echo "$tools"/lib/ld-musl-*) --library-path $tools/lib "
  fi
  printf '#!/bin/sh\nexec %s"$@"\n' "$loader$tools/lib/ipset " >"$tools/ipset"
  chmod 755 "$tools/ipset"
}

# hidden_sets: the sets that kube-router makes on every host, for a host without an ipset command to list or destroy them.
# iptables looks a set up by name before it looks for a rule, and says which of the two is missing.
hidden_sets() {
  ! have ipset || return 0
  for set in kube-router-pod-subnets kube-router-node-ips; do
    case $(iptables -w 10 -t nat -C POSTROUTING -m set --match-set $set src -j RETURN 2>&1) in
      *"doesn't exist"*) ;;
      *"Bad rule"*) echo "ipset $set" ;;
      # Without the module there are none.
      *) ! grep -qs '^ip_set ' "$PROC/modules" || echo "ipset $set" ;;
    esac
  done
}

# changed_sysctls: the sysctls that differ from those before k0s, or are new. If the installation did not record them, only
# the one that lets the host forward packets.
changed_sysctls() {
  sysctls | while IFS='=' read -r name value; do
    before=$(sed -n "s/^$name=//p" "$KEPT" 2>/dev/null)
    if [ -n "$before" ]; then
      [ "$value" = "$before" ] || echo "$name=$value ($before before k0s)"
    elif [ "$name=$value" = net.ipv4.ip_forward=1 ] || grep -qs '^kernel\.panic=' "$KEPT"; then
      echo "$name=$value"
    fi
  done
}

# groups: control groups of k0s' service and of the containerd and pods that its kubelet runs.
groups() {
  find "$R/sys/fs/cgroup" -depth -type d \
    \( -path '*/kubepods*' -o -path "*/system.slice/$SERVICE.service" -o -path '*/system.slice/containerd.service' \) 2>/dev/null || true
}

# stop: stops the service while its unit is still there, so that systemd does not start it again.
stop() {
  [ -e "$UNIT" ] || return 0
  say "stopping"
  timeout 120 systemctl disable --now --quiet "$SERVICE" || systemctl kill --signal=KILL "$SERVICE" || true
}

# reset: runs k0s reset while the configuration that it reads is still there. The code below does what it fails to do.
reset() {
  [ -x "$K0S" ] || return 0
  say "resetting"
  words=$(timeout 180 "$K0S" reset 2>&1) || say "k0s reset failed, going on without it: $(printf '%s\n' "$words" | tail -n 3)"
}

# remove_data: what k0s reset removes when it works.
remove_data() {
  mounts | while read -r mount; do
    mount=$(printf %b "$mount")
    umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null || true
  done
  rm -f "$R"/run/netns/cni-*
  # Do not empty what is still mounted.
  rm -rf --one-file-system "$DATA_DIR" "$RUN_DIR" 2>/dev/null || true
  rm -f "$UNIT"
}

# remove_rest: removes what a reset leaves.
remove_rest() {
  # Those of pods disappear with the pods, but one once stayed.
  for link in $links; do
    ! ip link show "$link" >/dev/null 2>&1 || ip link delete "$link" || true
  done
  # The ways to the pods of other nodes, which nobody but kube-router marks so (its pkg/routes).
  ip -4 route flush proto 17 2>/dev/null || true
  remove_rules
  sets | while read -r set; do ipset destroy "$set" || true; done

  # k0s made these directories; plugins and network configurations of others in them stay.
  for directory in /var/lib/cni /usr/libexec/k0s /var/log/pods /var/log/containers /opt/containerd /run/containerd; do
    kept "$directory" || rm -rf "$R$directory"
  done
  kept /var/lib/kubelet || rm -rf "$R/var/lib/kubelet/device-plugins"
  rm -f "$R/etc/cni/net.d/10-kuberouter.conflist"
  for plugin in bandwidth bridge dhcp dummy firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf; do
    kept "/opt/cni/bin/$plugin" || rm -f "$R/opt/cni/bin/$plugin"
  done
  for directory in /var/lib/kubelet /etc/cni/net.d /etc/cni /opt/cni/bin /opt/cni; do
    kept "$directory" || rmdir "$R$directory" 2>/dev/null || true
  done

  # They are empty, because the pods are gone. A group with processes in it, such as another containerd's, stays.
  groups | while read -r group; do rmdir "$group" 2>/dev/null || true; done

  ! grep -qs k0s_managed=true "$CONFIG_DIR/containerd.toml" || rm -f "$CONFIG_DIR/containerd.toml"
  rmdir "$CONFIG_DIR/containerd.d" 2>/dev/null || true
  # Restores what was there before; in a second run that is done already.
  if ! kept "${CONFIG#"$R"}"; then
    rm -f "$CONFIG"
  elif [ -f "$CONFIG.old" ]; then
    mv -f "$CONFIG.old" "$CONFIG"
  fi
  rm -rf "$K0S" "${K0S%/*}"/.k0s.knative-edge.* "$STARTED" "$SETTLED" "$HELD" "$INSTALLED" "$TOKEN_FILE" \
    "$CONFIG_DIR"/.knative-edge.tmp.*
  systemctl daemon-reload || true
  systemctl reset-failed "$SERVICE" 2>/dev/null || true
}

# obstacles: what would make a new installation fail.
obstacles() {
  for pid in $(processes_of pods); do echo "process $pid ($(cat "$PROC/$pid/comm" 2>/dev/null))"; done
  mounts | sed 's/^/mount /'
  for path in "$UNIT" "$DATA_DIR" "$RUN_DIR"; do
    # A separate disk may be mounted there.
    [ ! -e "$path" ] || [ -z "$(ls -A "$path")" ] || echo "${path#"$R"}"
  done
}

# remains: what does no harm or does not belong to this stack.
remains() {
  for path in "$UNIT.d" "$CONFIG" "$CONFIG_DIR/containerd.toml" "$CONFIG_DIR/containerd.d" "$R/opt/cni/bin" "$R/etc/cni/net.d" "$R/var/lib/cni"; do
    [ ! -e "$path" ] || echo "${path#"$R"}"
  done
  for filter in $(packet_filters); do
    [ -z "$("$filter-save" 2>/dev/null | removal)" ] || echo "rules of $filter"
  done
  sets | sed 's/^/ipset /'
  ip -4 route show proto 17 2>/dev/null | sed 's/^/route /'
  links | sed 's/^/interface /'
  groups | sed "s|^$R|control group |"
  changed_sysctls
}

listed() {
  tr '\n' ',' | sed 's/,$//; s/,/, /g'
}

problem=$(ownership_problem)
[ -z "$problem" ] || fail "$problem. Nothing was removed; to let go of the host, use pulumi state delete"
if [ ! -f "$MARKER" ]; then
  say "nothing of this stack is on this host"
  exit 0
fi

# k0s brings the packet filter's commands along, and its reset takes them away.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
PATH=$PATH:$tools
have iptables-save || cp -a "$DATA_DIR"/bin/*tables* "$tools" 2>/dev/null || true
have ipset || borrow_ipset
links=$(links)

stop
end_processes k0s TERM 10
reset
end_processes pods KILL 5
remove_data
remove_rest

obstacles=$(obstacles | listed)
[ -z "$obstacles" ] ||
  fail "k0s is not wholly gone: $obstacles. Reboot the host and run pulumi destroy again"
rest=$(remains | listed)
[ -z "$rest" ] || say "removed; still on this host: $rest"
hidden=$(hidden_sets | listed)
[ -z "$hidden" ] ||
  say "still in the kernel, as this host has no ipset command: $hidden. A reboot removes them, or ipset destroy, once ipset is installed"
# The iptables of k0s made it; another iptables creates it again.
kept /run/xtables.lock || rm -f "$R/run/xtables.lock"
# Last, so that a delete that was cut off can go on.
rm -f "$KEPT" "$MARKER"
rmdir "$CONFIG_DIR" 2>/dev/null || true
