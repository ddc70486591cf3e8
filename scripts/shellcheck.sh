#!/bin/sh
# Lints every shell script of the project; says so and passes where shellcheck is not installed.
set -eu
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null 2>&1; then
  echo "shellcheck is not installed, so shell scripts were not linted; on Debian: apt-get install shellcheck" >&2
  exit 0
fi
{
  # Not by git: the project may be a copy without its history.
  find . \( -name node_modules -o -name .lab -o -name .git \) -prune -o -name '*.sh' -print
  printf '%s\n' .ci/run lab/providers/pulumi-*
} | xargs shellcheck --shell=sh
