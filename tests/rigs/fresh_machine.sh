#!/usr/bin/env bash
# Both README commands on a machine that has git and python3 and nothing else, and how long they took.
#
#   tests/rigs/fresh_machine.sh SUITE [CHECKOUT]        as root; SUITE is Debian's or Ubuntu's name, such as bookworm
#
# Makes a tree with debootstrap, clones CHECKOUT's (default: this one's) last commit into it, and runs the first two `sh`
# blocks of its README there. The result goes to CHECKOUT's docs/fresh-machine.md, one line for each suite.
#
# What belongs to the machine and not to the project is handed in from this one: resolv.conf, the CA bundle, the
# proxy and index variables, and the files named in MACHINE_FILES (settings of apt or pip, say).
#   MIRROR   where debootstrap takes packages from          KEEP=1   leaves the tree for a look
#
# All mounts and processes live in namespaces of their own and end with them, even when this script is killed.
set -euo pipefail

suite=${1:?usage: fresh_machine.sh SUITE [CHECKOUT]}
checkout=$(cd "${2:-$(dirname "$0")/../..}" && pwd)
passed_on=(http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE PIP_CERT PIP_INDEX_URL
    UV_DEFAULT_INDEX)

if [[ ${INSIDE_NAMESPACES:-} != "$suite" ]]; then
    [[ $(id -u) == 0 ]] || { echo "fresh_machine.sh: must run as root, for debootstrap and chroot" >&2; exit 1; }
    command -v debootstrap >/dev/null || { echo "fresh_machine.sh: apt-get install debootstrap" >&2; exit 1; }
    tree=$(mktemp -d "${TMPDIR:-/tmp}/fresh-$suite.XXXXXX")
    # Only the tree is left to remove here; --one-file-system would spare whatever else were still mounted in it.
    trap '[[ ${KEEP:-} ]] && echo "kept: $tree" || rm -rf --one-file-system "$tree" "$tree.log"' EXIT
    export INSIDE_NAMESPACES=$suite TREE=$tree
    unshare --mount --propagation private --pid --fork --kill-child "$0" "$suite" "$checkout" </dev/null &
    namespaces=$! status=0
    # In the background, so that a signal is acted on at once and takes the namespaces with it.
    trap 'kill "$namespaces"; wait "$namespaces" || true; exit 143' INT TERM HUP
    wait "$namespaces" || status=$?
    exit "$status"
fi

case $suite in
    bullseye | bookworm | trixie | forky | sid) mirror=${MIRROR:-http://deb.debian.org/debian} components=main ;;
    *) mirror=${MIRROR:-http://archive.ubuntu.com/ubuntu} components=main,universe ;;
esac

echo "== debootstrap $suite"
debootstrap --variant=minbase --include=git,python3,ca-certificates --components="$components" \
    "$suite" "$TREE" "$mirror" >"$TREE.log" 2>&1 || { tail -20 "$TREE.log" >&2; rm -f "$TREE.log"; exit 1; }
rm -f "$TREE.log"

# As any machine has it: a root that is a mount, and that other users may enter.
chmod 755 "$TREE"
mount --bind "$TREE" "$TREE"

mount -t proc proc "$TREE/proc"
mount --rbind --make-rprivate /dev "$TREE/dev"
mount --rbind --make-rprivate /sys "$TREE/sys"

cp -L /etc/resolv.conf "$TREE/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$TREE/etc/ssl/certs/ca-certificates.crt"
for file in ${MACHINE_FILES:-}; do install -D -m 644 "$file" "$TREE$file"; done

# As a stranger has it: the last commit, nothing that lies around.
git clone --quiet --no-hardlinks --depth 1 "file://$checkout" "$TREE/root/checkout"
commit=$(git -C "$checkout" rev-parse --short HEAD)

environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 CI=true)
for name in "${passed_on[@]}"; do [[ ${!name:-} ]] && environment+=("$name=${!name}"); done
inside() { env -i "${environment[@]}" chroot "$TREE" /bin/bash -euo pipefail -c "cd /root/checkout && $1"; }

python=$(inside 'python3 --version')
for absent in uv pip3 make mksquashfs; do
    ! inside "command -v $absent" || { echo "fresh_machine.sh: the tree has $absent already" >&2; exit 1; }
done

results=() failed=0
for block in 1 2; do
    command=$("$TREE/root/checkout/.ci/readme-block" "$block" "$TREE/root/checkout/README.md")
    echo "== $command"
    began=$SECONDS status=0
    inside "$command" </dev/null 2>&1 | tee "$TREE/root/output" || status=$?
    took=$((SECONDS - began))
    [[ $status == 0 ]] && verdict=passed || { verdict="**failed ($status)**" failed=1; }
    last=$(grep -v '^[[:space:]]*$' "$TREE/root/output" | tail -1 | sed -E 's/\x1b\[[0-9;]*m//g; s/^=+ ?//; s/ ?=+$//; s/\|/\//g')
    results+=("$verdict in $took s | ${last:-no output}")
    echo "== $verdict in $took s"
done

page=$checkout/docs/fresh-machine.md
machine="$(uname -m), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)"
line="| $suite | $(date -u +%F) | $commit | $machine, $python | ${results[0]} | ${results[1]} |"
if [[ ! -e $page ]]; then
    mkdir -p "$(dirname "$page")"
    cat >"$page" <<'PAGE'
# A fresh machine

Both README commands, tried on a minimal system that has git and python3 and nothing else (`make sweep-fresh SUITE=…`, written by
`tests/rigs/fresh_machine.sh`). The times include every download: Debian packages, uv, and what uv.lock names.

| suite | date (UTC) | commit | machine | demo | its last line | tests | their last line |
|---|---|---|---|---|---|---|---|
PAGE
fi
{ grep -v "^| $suite |" "$page"; echo "$line"; } >"$page.new"
mv "$page.new" "$page"
exit "$failed"
