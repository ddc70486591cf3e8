# Brings the k0s binary and the image bundles onto the host, and checks each before it puts it in its place.
# It leaves a running k0s alone, because ready.sh restarts k0s when the binary changed; but see restart_unready in lib.sh.
# It first removes a k0s of an earlier generation, which the operator gave up.
#
# Variables: OWNER, K0S_VERSION, K0S_URL (%arch% stands for amd64 or arm64), K0S_SHA256 (empty: SUMS_URL, the release's
#   sha256sums.txt, decides), BUNDLES (lines of `sha256 url`; %arch% as above), DOWNLOAD_ATTEMPTS (default 3).
# stdout: `version sha256`, then a line `file sha256` for each bundle.

ARCH=$(k0s_arch)
IMAGES=$DATA_DIR/images

# for_arch URL: prints the URL with the host's architecture in it.
for_arch() {
  printf '%s\n' "$1" | sed "s/%arch%/$ARCH/g"
}

# fetch URL FILE: one attempt. The downloader's messages go to stderr, and its exit code says if the disk is full.
fetch() {
  if have curl; then
    curl --fail --location --silent --show-error --connect-timeout 20 --speed-limit 1000 --speed-time 60 \
      --output "$2" "$1"
  else
    wget -nv --tries=1 --timeout=60 -O "$2" "$1"
  fi
}

# disk_full CODE: whether the downloader ended because it could not write: curl's code 23, wget's 3.
disk_full() {
  if have curl; then [ "$1" = 23 ]; else [ "$1" = 3 ]; fi
}

# download URL FILE SHA256 HINT: leaves the checked file there, or ends with the reason. Skips the check of an empty digest.
download() {
  attempt=1
  until words=$(fetch "$1" "$2" 2>&1); do
    code=$?
    words=$(printf '%s\n' "$words" | tail -n 1)
    if disk_full "$code"; then
      size=$(du -k "$2" | awk '{ print int($1 / 1024) }')
      rm -f "$2"
      fail "no space is left on the disk of ${2%/*} after $size MiB of $1: nothing was put in place. Free some or enlarge the disk, and run pulumi up again"
    fi
    # An answer such as 404 stays the same when asked again; that of a server that is busy or asks for patience does not.
    case $words in
      *'error: 408'* | *'error: 429'* | *'ERROR 408'* | *'ERROR 429'*) ;;
      *'error: 4'[0-9][0-9]* | *'ERROR 4'[0-9][0-9]*) DOWNLOAD_ATTEMPTS=1 ;;
    esac
    [ "$attempt" -lt "${DOWNLOAD_ATTEMPTS:-3}" ] ||
      fail "could not download $1 (attempt $attempt): ${words:-no words from the downloader}. Check $4, and that this host reaches the address"
    say "downloading $1 failed, trying again: $words"
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
  [ -z "$3" ] || got=$(sha256 "$2")
  [ -z "$3" ] || [ "$got" = "$3" ] ||
    fail "$1 has the sha256 $got, but $3 is expected: nothing was put in place. Check $4, or what answers at that address"
}

# wanted_digest: the digest of the binary, from the release's own list when none is pinned.
wanted_digest() {
  if [ -n "$K0S_SHA256" ]; then
    echo "$K0S_SHA256"
    return
  fi
  download "$SUMS_URL" "$scratch/sums" "" k0sUrl
  # Lines are `digest *name`; in the URL the + of the version may be written %2B.
  name=$(printf '%s\n' "${url##*/}" | sed 's/%2[Bb]/+/g')
  digest=$(awk -v name="$name" '{ file = $2; sub(/^\*/, "", file) } file == name { print $1; exit }' "$scratch/sums")
  [ -n "$digest" ] || fail "$SUMS_URL does not list $name: set k0sSha256, or correct k0sUrl or k0sVersion"
  echo "$digest"
}

# get_binary: runs in the background, beside the bundles.
get_binary() {
  download "$url" "$scratch/k0s" "$digest" "k0sUrl and k0sSha256"
  chmod 755 "$scratch/k0s"
  version=$("$scratch/k0s" version 2>&1) ||
    fail "the k0s of $url does not run here: $(printf '%s\n' "$version" | tail -n 1). Check k0sUrl: it must be the build for $ARCH"
  [ "$version" = "$K0S_VERSION" ] ||
    fail "the k0s of $url is version $version, but k0sVersion is $K0S_VERSION: nothing was put in place. Make the two agree"
  mv -f "$scratch/k0s" "$K0S"
  say "installed $K0S_VERSION at ${K0S#"$R"}"
}

# get_bundle SHA256 URL: runs in the background. k0s imports what appears in its images directory, so files appear whole.
get_bundle() {
  mkdir -p "$IMAGES"
  part=$(mktemp "$DATA_DIR/.knative-edge.XXXXXX")
  download "$2" "$part" "$1" imageBundles
  chmod 644 "$part"
  mv -f "$part" "$IMAGES/$(bundle_name "$1")"
  say "image bundle $2 is in ${IMAGES#"$R"}"
}

# bundle_name SHA256: the name marks a bundle as this program's, and its content.
bundle_name() {
  echo "knative-edge-$(printf %.16s "$1").tar"
}

# progress: says every 5 seconds how much has arrived.
progress() {
  # sleep outlives its killed parent, and must not hold the SSH session's stderr open meanwhile. The function itself ends
  # with the phase.
  while sleep 5 2>/dev/null && kill -0 $$ 2>/dev/null; do
    kib=$(du -ck "$scratch"/* "$DATA_DIR"/.knative-edge.* 2>/dev/null | awk 'END { print $1 }')
    say "downloading ... $((kib / 1024)) MB"
  done
}

[ "$(generations_behind)" -le 0 ] || undo
[ -n "$ARCH" ] || fail "k0s is not installed on the architecture $(uname -m)"
mkdir -p "${K0S%/*}"
# What a killed run left behind.
rm -rf "${K0S%/*}"/.k0s.knative-edge.* "$DATA_DIR"/.knative-edge.*
# In the same directory as the binary, so that the last step is a rename.
scratch=$(mktemp -d "${K0S%/*}/.k0s.knative-edge.XXXXXX")
progress_pid=
pids=
cleanup() {
  # A child that has just started still has its parent's traps, and would lose any other signal.
  for pid in $progress_pid $pids; do kill -s KILL "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

url=$(for_arch "$K0S_URL")
digest=$(wanted_digest)

if [ -f "$K0S" ] && [ "$(sha256 "$K0S")" = "$digest" ]; then
  say "$K0S_VERSION is there already"
else
  say "downloading $url"
  get_binary &
  pids=$!
fi

wanted=
while read -r sum address; do
  [ -n "$sum" ] || continue
  file=$IMAGES/$(bundle_name "$sum")
  wanted="$wanted ${file##*/}"
  if [ ! -f "$file" ] || [ "$(sha256 "$file")" != "$sum" ]; then
    address=$(for_arch "$address")
    say "downloading $address"
    get_bundle "$sum" "$address" &
    pids="$pids $!"
  fi
done <<END
$BUNDLES
END

if [ -n "$pids" ]; then
  progress >/dev/null &
  progress_pid=$!
fi
failed=no
for pid in $pids; do
  wait "$pid" || failed=yes
done
pids=
[ "$failed" = no ] || exit 1

# Bundles of an earlier configuration. Files that others put there stay.
for file in "$IMAGES"/knative-edge-*.tar; do
  case " $wanted " in
    *" ${file##*/} "*) ;;
    *) rm -f "$file" ;;
  esac
done

restart_unready
echo "$K0S_VERSION $digest"
while read -r sum _; do
  [ -z "$sum" ] || echo "$(bundle_name "$sum") $sum"
done <<END
$BUNDLES
END
