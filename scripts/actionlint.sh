#!/bin/sh
# Lints the GitHub workflows, their shell scripts too where shellcheck is installed; says so and passes without Go.
set -eu
cd "$(dirname "$0")/.."
if ! command -v go >/dev/null 2>&1; then
  echo "Go is not installed, so the workflows were not linted" >&2
  exit 0
fi
# By name: without them it looks for a git repository, and the project may be a copy without its history.
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 .github/workflows/*.yml
