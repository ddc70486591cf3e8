# Refuses a host that cannot or should not become a node of k0s: one sentence for each finding, all at once.
# Changes nothing.
#
# Variables: OWNER, NODE_ADDRESS, K0S_VERSION; MIN_MEMORY_MIB, the least that a host must have;
#   HOST_CPUS and HOST_MEMORY_MIB, the declared size (default: any), and CPUS_KEY, MEMORY_KEY and ADDRESS_KEY, by which keys
#   of the configuration (default: those of the host); FREE_MEMORY_MIB, what a host without k0s must have
#   free of it (default: any); MIN_DISK_MIB (default 2048: a stack with an image bundle was seen to take 1.8 GB; over and
#   above what kubelet wants free, see check_disk); GATEWAY_PORTS, those at which the ingress answers on the host (default: none);
#   CLOCK_URL, of a web server whose time is right (default: the clock is not checked).
# stdout: one line of JSON: arch, os, kernel, cgroup (1 or 2), cpus, memoryMiB, machineId, hostname.

findings=0
finding() {
  findings=$((findings + 1))
  echo "$HOST: $*" >&2
}

# number FILE KEY: the number after a key in a file of /proc.
number() {
  awk -v key="$2" '$1 == key { print $2; exit }' "$1"
}

# minor VERSION: 35 of v1.35.7+k0s.0.
minor() {
  rest=${1#*.}
  echo "${rest%%.*}"
}

# quoted TEXT: prints it as a JSON string.
quoted() {
  printf '"%s"' "$(printf %s "$1" | tr -d '[:cntrl:]' | sed 's/["\\]/\\&/g')"
}

check_tools() {
  have curl || have wget ||
    finding "neither curl nor wget is installed, and k0s is downloaded with one of them: install curl"
  for tool in sha256sum awk sed find df timeout mktemp; do
    have "$tool" || finding "the command $tool is missing: install it (coreutils, findutils, awk, sed)"
  done
}

check_platform() {
  [ -n "$(k0s_arch)" ] ||
    finding "the architecture $(uname -m) is not supported: take a host with x86_64 or aarch64"
  if [ ! -d "$R/run/systemd/system" ] || ! have systemctl; then
    finding "systemd does not run this host, and k0s is run as its service: take a host with systemd"
  fi
}

check_cgroups() {
  controllers=$R/sys/fs/cgroup/cgroup.controllers
  missing=
  for controller in cpu memory pids; do
    if [ "$cgroup" = 2 ]; then
      grep -qsw "$controller" "$controllers" || missing="$missing $controller"
    else
      [ -d "$R/sys/fs/cgroup/$controller" ] || missing="$missing $controller"
    fi
  done
  [ -z "$missing" ] ||
    finding "the kernel has no cgroup controller$missing: enable it on the kernel command line (for memory: cgroup_enable=memory) and reboot"
  if [ "$cgroup" = 1 ] && [ "$(minor "$K0S_VERSION")" -ge 35 ]; then
    finding "the host runs cgroup v1, which k0s $K0S_VERSION refuses: boot with systemd.unified_cgroup_hierarchy=1, or set k0sVersion to a 1.34 release"
  fi
}

check_memory() {
  [ "$memory" -ge "$MIN_MEMORY_MIB" ] ||
    finding "the host has $memory MiB of memory and needs $MIN_MEMORY_MIB: give it more"
}

# check_free_memory: a large machine may still be full. An installed k0s holds its share already.
check_free_memory() {
  free=$(number "$PROC/meminfo" MemAvailable:)
  [ "$installed" = no ] && [ -n "$free" ] && [ $((free / 1024)) -lt "${FREE_MEMORY_MIB:-0}" ] || return 0
  # /proc/PID/status has Name before Pid before VmRSS, which kernel threads do not have.
  largest=$(cat "$PROC"/[0-9]*/status 2>/dev/null | awk '
    $1 == "Name:" { name = substr($0, index($0, $2)) }
    $1 == "Pid:" { pid = $2 }
    $1 == "VmRSS:" && $2 > most { most = $2; holder = name " (process " pid ")" }
    END { if (most) print "; the largest process is " holder " with " int(most / 1024) " MiB" }')
  finding "the host has $((free / 1024)) MiB of free memory, and the stack takes $FREE_MEMORY_MIB$largest. Stop what is not needed, or give the host more memory"
}

# check_size: the stack's budget is for the declared size. The kernel may keep up to a tenth of the memory for itself.
check_size() {
  cpus=$(nproc)
  [ "$cpus" -ge "${HOST_CPUS:-1}" ] ||
    finding "the host has $cpus CPU and ${CPUS_KEY:=hostCpus} says $HOST_CPUS: set $CPUS_KEY to $cpus, and the preview tells what fits"
  [ $((memory * 10)) -ge $((${HOST_MEMORY_MIB:-0} * 9)) ] ||
    finding "the host has $memory MiB of memory and ${MEMORY_KEY:=hostMemoryMiB} says $HOST_MEMORY_MIB: set $MEMORY_KEY to $memory, and the preview tells what fits"
}

# check_disk: kubelet evicts pods where the images' disk has less than 15 % free, or its own less than 10 % (its defaults
# imagefs.available and nodefs.available, which k0s leaves alone). Mostly both are the one disk of k0s.
check_disk() {
  checked=
  for part in containerd:15 kubelet:10; do
    directory=$DATA_DIR/${part%:*}
    until [ -d "$directory" ]; do directory=${directory%/*}; done
    read -r free threshold mount <<END
$(df -Pk "$directory/" | awk -v percent="${part#*:}" 'NR == 2 { print int($4 / 1024), int($2 * percent / 102400), $6 }')
END
    case "$checked " in *" $mount "*) continue ;; esac
    need=${MIN_DISK_MIB:-2048}
    # An installed k0s uses its share already, and images go to the first directory.
    [ "$installed" = no ] && [ -z "$checked" ] || need=0
    sum=
    [ "$need" = 0 ] || sum="$need and "
    checked="$checked $mount"
    case $mount in "$DATA_DIR"/*) place=${mount#"$R"} ;; *) place=${DATA_DIR#"$R"} ;; esac
    if [ "$free" -lt $((need + threshold)) ]; then
      echo "$place has $free MiB of free disk and needs $((need + threshold)) ($sum${part#*:} % of the disk, under which pods are evicted): free some or enlarge the disk"
    elif [ "$installed" = yes ] && [ "$free" -lt $((threshold + 1024)) ]; then
      say "$place has $free MiB of free disk, and under $threshold (${part#*:} % of the disk) pods are evicted: free some or enlarge the disk before new images need it"
    fi
  done
}

# check_clock: if the clock is ahead, certificates that k0s makes are not yet valid for others. If it is behind, they may
# have expired once someone sets it. Every answer of a web server has its time, so neither its certificate nor its status
# matters. If there is no answer, the download will say so.
check_clock() {
  [ -n "${CLOCK_URL:-}" ] || return 0
  if have curl; then
    answer=$(curl --insecure --silent --head --connect-timeout 5 --max-time 10 "$CLOCK_URL") || return 0
  else
    # wget fails on an answer such as 404.
    answer=$(wget -q -S --spider --no-check-certificate --tries=1 --timeout=5 "$CLOCK_URL" 2>&1) || true
  fi
  time=$(printf '%s\n' "$answer" | tr -d '\r' | sed -n 's/^ *[Dd]ate: *//p' | head -n 1)
  time=$(date -d "${time:-none}" +%s 2>/dev/null) || return 0
  ahead=$(($(date +%s) - time))
  server=${CLOCK_URL#*://}
  # k0s dates its certificates back by five minutes, as cfssl does by default.
  [ "${ahead#-}" -le 300 ] ||
    finding "the host's clock differs by $ahead s from that of ${server%%/*}, and certificates made now would be refused by others: set it, for instance with timedatectl set-ntp true"
}

# holder INODE: the process that has the socket, as id, or nothing.
holder() {
  path=$(find "$PROC"/[0-9]*/fd -lname "socket:\\[$1\\]" 2>/dev/null | head -n 1)
  path=${path#"$PROC"/}
  echo "${path%%/*}"
}

# part_of_k0s PID: whether the process is k0s, one of its components, or a pod.
part_of_k0s() {
  grep -qs -e kubepods -e "$SERVICE" "$PROC/$1/cgroup" && return
  case $(readlink "$PROC/$1/exe") in "$K0S"* | "$DATA_DIR"/*) return 0 ;; esac
  return 1
}

# check_port PORT NEED LISTENERS: one sentence when a process that is not k0s' has the port. LISTENERS is a pattern of the
# local addresses that count, in hexadecimal as in /proc/net/tcp.
check_port() {
  hexadecimal=$(printf %04X "$1")
  cat "$PROC/net/tcp" "$PROC/net/tcp6" 2>/dev/null |
    awk -v listeners="^($3):$hexadecimal\$" '$4 == "0A" && $2 ~ listeners { print $10 }' |
    while read -r inode; do
      pid=$(holder "$inode")
      if [ -z "$pid" ]; then
        echo "port $1 is in use by a process that could not be found, and $2: free the port"
      elif [ "$installed" = no ] || ! part_of_k0s "$pid"; then
        echo "port $1 is in use by $(cat "$PROC/$pid/comm") (process $pid), and $2"
      else
        continue
      fi
      break
    done
}
check_ports() {
  api=6443
  [ "$K0S_ROLE" = controller ] || api=
  for port in $api 10250 8080; do
    check_port "$port" "k0s needs it: stop that program or move it to another port" ".*"
  done
  # kube-proxy's rules take these ports only at the node's address, so a listener at another address does no harm.
  node=$(echo "$NODE_ADDRESS" | awk -F. '{ printf "%02X%02X%02X%02X", $4, $3, $2, $1 }')
  for port in ${GATEWAY_PORTS:-}; do
    check_port "$port" "Kourier answers there with loadBalancer nodeIp: stop that program or move it, or set loadBalancer to metallb" \
      "0+|$node|0+FFFF0000$node"
  done
}

check_kubernetes() {
  problem=$(ownership_problem)
  [ -z "$problem" ] || finding "$problem"
  [ "$(generations_behind)" -ge 0 ] ||
    finding "the k0s here is of hostGeneration $(generation "$(cat "$MARKER")"), and an older one, $(generation "$OWNER"), is configured: set it back"
  for trace in \
    k3s:/usr/local/bin/k3s k3s:/etc/systemd/system/k3s.service k3s:/etc/systemd/system/k3s-agent.service \
    RKE2:/var/lib/rancher/rke2 kubeadm:/etc/kubernetes/admin.conf kubeadm:/etc/kubernetes/kubelet.conf \
    kubelet:/var/lib/kubelet/config.yaml MicroK8s:/var/snap/microk8s; do
    if [ -e "$R${trace#*:}" ]; then
      finding "another Kubernetes is here, ${trace%%:*} (${trace#*:}): remove it, or take another host"
      break
    fi
  done
}

check_names() {
  # Each of the host's own addresses, from the kernel's table: `|-- 10.0.0.5` and under it `/32 host LOCAL`.
  addresses=$(awk '$1 == "|--" { address = $2 } $1 == "/32" && $3 == "LOCAL" && address !~ /^127\./ { print address }' \
    "$PROC/net/fib_trie" | sort -u | tr '\n' ' ')
  case " $addresses" in
    *" $NODE_ADDRESS "*) ;;
    *) finding "no interface has the address $NODE_ADDRESS: set ${ADDRESS_KEY:-nodeAddress} to one of: ${addresses% }" ;;
  esac
  if have getent && ! getent hosts localhost >/dev/null; then
    finding "the name localhost does not resolve: add \"127.0.0.1 localhost\" to /etc/hosts"
  fi
}

# each TEXT: a finding for each line. For checks that run in a pipe, which would lose their count.
each() {
  while read -r sentence; do
    [ -z "$sentence" ] || finding "$sentence"
  done <<END
$1
END
}

cgroup=1
[ ! -e "$R/sys/fs/cgroup/cgroup.controllers" ] || cgroup=2
memory=$(($(number "$PROC/meminfo" MemTotal:) / 1024))
installed=no
[ ! -f "$MARKER" ] || [ ! -e "$UNIT" ] || installed=yes

check_platform
check_tools
check_cgroups
check_memory
check_free_memory
check_size
check_clock
each "$(check_disk)"
each "$(check_ports)"
check_kubernetes
check_names
[ "$findings" = 0 ] || exit 1

os=$(sed -n 's/^PRETTY_NAME=//p' "$R/etc/os-release" | tr -d \")
printf '{"arch":%s,"os":%s,"kernel":%s,"cgroup":%s,"cpus":%s,"memoryMiB":%s,"machineId":%s,"hostname":%s}\n' \
  "$(quoted "$(k0s_arch)")" "$(quoted "$os")" "$(quoted "$(uname -r)")" "$cgroup" "$(nproc)" "$memory" \
  "$(quoted "$(cat "$R/etc/machine-id")")" "$(quoted "$HOST")"
