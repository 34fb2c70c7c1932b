#!/bin/sh
# Follows README.md in a new folder and keeps what that makes as made/: throw-away keys and assertions.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$here/made"
mkdir "$here/made"
cd "$here/made"
umask 022
awk '/^```console$/ { inside = 1; next } /^```$/ { inside = 0 } inside && /^\$ / { print substr($0, 3) }' \
    "$here/README.md" | while IFS= read -r command; do
    printf '$ %s\n' "$command"
    # Some commands show a refusal; the page's test is what compares exit codes.
    bash -c "$command" </dev/null || printf 'exit %s\n' "$?"
done
# What belongs to the store's operator is no part of a security team's folder, and the image's source is in the image.
cp shop/1.root.json store-tuf-root.json
rm -rf tool shop shop-tuf-root.key shop-tuf-root.pub
