# Tells what is on the host, without changing anything: see host_state in lib.sh.
#
# Variables: none. stdout: that line.

host_state
