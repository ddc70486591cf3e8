# Installs k0s as a systemd service for a single node. ready.sh starts it, and delete.sh undoes this.
#
# Variables: OWNER, INSTALL_ARGS (arguments of `k0s install controller` besides --single and -c, split at blanks).
# stdout: the unit's sha256.

require_ownership
for file in "$K0S" "$CONFIG"; do
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
  # Each argument is one word.
  # shellcheck disable=SC2086
  words=$("$K0S" install controller --single -c "$CONFIG" $INSTALL_ARGS $force 2>&1) ||
    fail "k0s could not be installed as a service: $(printf '%s\n' "$words" | tail -n 1)"
  [ -f "$UNIT" ] || fail "k0s installed itself as a service, but ${UNIT#"$R"} is not there: is systemd what runs this host?"
fi
systemctl daemon-reload
systemctl enable --quiet "$SERVICE" || fail "systemd could not enable $SERVICE"
printf '%s\n%s\n' "$INSTALL_ARGS" "$(sha256 "$UNIT")" | write_file "$INSTALLED" 644
restart_unready
sha256 "$UNIT"
