# Prints the admin kubeconfig, with its own client certificate that is valid for a year.
#
# Variables: none. stdout: the kubeconfig, a secret.

timeout 60 "$K0S" kubeconfig admin || fail "k0s gave no admin kubeconfig: has it been started? See systemctl status $SERVICE"
