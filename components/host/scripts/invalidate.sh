# Makes a join token invalid.
#
# Variables: JOIN_TOKEN, a secret. stdout: nothing.

# The token is a kubeconfig, compressed and in base64 (pkg/token/joinencode.go of k0s).
id=$(printf %s "$JOIN_TOKEN" | base64 -d | gzip -dc | sed -n 's/^ *token: "\{0,1\}\([a-z0-9]\{6\}\)\..*/\1/p')
[ -n "$id" ] || fail "the join token has no id by which it could be made invalid; it ends by itself within ten minutes"
timeout 60 "$K0S" token invalidate "$id" >/dev/null ||
  fail "the join token $id cannot be made invalid; it ends by itself within ten minutes"
