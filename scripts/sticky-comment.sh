#!/bin/sh
# Writes a file as a comment of a pull request, in place of the one it wrote before.
# Usage: sticky-comment.sh <owner/repository> <number> <key> <file>; the key tells the comments of one pull request apart.
# Needs gh, with a token that may write pull requests.
set -eu
repository=$1
number=$2
marker="<!-- knative-edge: $3 -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
# GitHub takes 65536 characters; what is longer is in the job's own summary.
{
  echo "$marker"
  head -c 60000 "$4"
} >"$body"
# Not in a pipe, which would hide that gh failed.
ids=$(gh api --paginate "repos/$repository/issues/$number/comments" \
  --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id")
id=$(echo "$ids" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$repository/issues/comments/$id" --field "body=@$body" --silent
else
  gh api --method POST "repos/$repository/issues/$number/comments" --field "body=@$body" --silent
fi
