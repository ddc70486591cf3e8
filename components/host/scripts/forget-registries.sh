# Removes what registries.sh wrote. k0s restarts containerd.
#
# Variables: OWNER. stdout: nothing.

problem=$(ownership_problem)
[ -z "$problem" ] || fail "$problem. Nothing was removed; to let go of the host, use pulumi state delete"
rm -rf "$CONFIG_DIR/containerd.d/knative-edge" "$CONFIG_DIR/containerd.d/knative-edge.toml"
# Only without k0s, which watches the directory.
[ -f "$MARKER" ] || rmdir "$CONFIG_DIR/containerd.d" "$CONFIG_DIR" 2>/dev/null || true
