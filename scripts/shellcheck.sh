#!/bin/sh
# Lints every shell script of the project; says so and passes where shellcheck is not installed.
set -eu
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null 2>&1; then
  echo "shellcheck is not installed, so shell scripts were not linted; on Debian: apt-get install shellcheck" >&2
  exit 0
fi
{
  git ls-files --cached --others --exclude-standard '*.sh'
  echo .ci/run
} | xargs shellcheck --shell=sh
