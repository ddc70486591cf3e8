#!/bin/sh
# Lints every shell script of the project; says so and passes where shellcheck is not installed.
set -eu
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null 2>&1; then
  echo "shellcheck is not installed: shell scripts were not linted (apt-get install shellcheck)" >&2
  exit 0
fi
git ls-files --cached --others --exclude-standard '*.sh' | xargs shellcheck --shell=sh
