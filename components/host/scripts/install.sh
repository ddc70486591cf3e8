# Installs k0s as a systemd service. ready.sh starts it, and delete.sh undoes this.
#
# Variables: OWNER, INSTALL_ARGS (arguments of `k0s install controller` besides -c, or of `k0s install worker` besides
#   --token-file; each on a line).
# stdout: the unit's sha256.

newline='
'
require_ownership
if [ "$K0S_ROLE" = worker ]; then
  needed=$K0S
  own="--token-file$newline$TOKEN_FILE"
  mkdir -p "$CONFIG_DIR"
  # On the controller, config.sh does it.
  [ -f "$MARKER" ] || claim
else
  needed="$K0S $CONFIG"
  own="-c$newline$CONFIG"
fi
for file in $needed; do
  [ -f "$file" ] || fail "${file#"$R"} is missing, so something removed it: run pulumi destroy, then pulumi up"
done

# current: whether this k0s made the unit from these arguments.
current() {
  [ -f "$UNIT" ] && [ -f "$INSTALLED" ] && printf '%s\n%s\n' "$INSTALL_ARGS" "$(sha256 "$UNIT")" | cmp -s - "$INSTALLED"
}

if ! current; then
  # Without --force an existing unit is an error. With it k0s rewrites the unit and leaves the process alone.
  force=
  [ ! -e "$UNIT" ] || force=--force
  say "installing the service"
  words=$(
    # Each line is one argument, and may have blanks.
    IFS=$newline
    # shellcheck disable=SC2086
    "$K0S" install "$K0S_ROLE" $own $INSTALL_ARGS $force 2>&1
  ) ||
    fail "k0s could not be installed as a service: $(printf '%s\n' "$words" | tail -n 1)"
  [ -f "$UNIT" ] || fail "k0s installed itself as a service, but ${UNIT#"$R"} is not there: is systemd what runs this host?"
fi
systemctl daemon-reload
systemctl enable --quiet "$SERVICE" || fail "systemd could not enable $SERVICE"
printf '%s\n%s\n' "$INSTALL_ARGS" "$(sha256 "$UNIT")" | write_file "$INSTALLED" 644
restart_unready
sha256 "$UNIT"
