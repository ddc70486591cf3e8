#!/bin/sh
# Keeps one open issue for a stack's drift: writes or rewrites it from a file, or closes it when there is no drift.
# Usage: drift-issue.sh <owner/repository> <stack> [<file>]
# Needs gh, with a token that may write issues.
set -eu
repository=$1
title="Drift: $2"
# Not in a pipe, which would hide that gh failed.
numbers=$(gh issue list --repo "$repository" --state open --limit 200 --json number,title \
  --jq ".[] | select(.title == \"$title\") | .number")
number=$(echo "$numbers" | head -n 1)
if [ $# -lt 3 ]; then
  [ -z "$number" ] || gh issue close "$number" --repo "$repository" --comment "The host and the cluster are as they were settled."
elif [ -n "$number" ]; then
  gh issue edit "$number" --repo "$repository" --body-file "$3"
else
  gh issue create --repo "$repository" --title "$title" --body-file "$3"
fi
