# Makes a token with which a worker joins the cluster of this controller within ten minutes.
#
# Variables: none.
# stdout: the token, a secret.

timeout 60 "$K0S" token create --role=worker --expiry=10m || fail "k0s gave no join token"
