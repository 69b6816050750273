#!/bin/sh
# Puts nginx and Caddy under target/proxies, once, and prints two lines: the program of each.
#
# Those of the machine are taken where both are on the path; elsewhere Debian's packages are fetched and unpacked, and nothing is installed. The
# package manager verifies what it fetches. Where there is none, the script says so and ends with 3: the scenarios about proxies cannot run.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
home=${CARGO_TARGET_DIR:-target}/proxies
mkdir -p "$home"
home=$(cd "$home" && pwd)

if command -v nginx >/dev/null && command -v caddy >/dev/null; then
    command -v nginx
    command -v caddy
    exit 0
fi
if [ ! -x "$home/usr/sbin/nginx" ] || [ ! -x "$home/usr/bin/caddy" ]; then
    if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        echo "There is no nginx and no Caddy here, and no apt-get to fetch them." >&2
        exit 3
    fi
    work=$(mktemp -d "$home/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    fetch() { apt-get -qq download nginx caddy >&2 2>/dev/null; }
    # The lists of packages may be old, or not be there.
    fetch || { apt-get -qq update >&2 2>/dev/null; fetch; } || {
        echo "nginx and Caddy cannot be fetched. On Debian, as root: apt-get update" >&2
        exit 3
    }
    for package in ./*.deb; do
        dpkg -x "$package" "$work/unpacked"
    done
    cp -R "$work/unpacked/." "$home/"
fi
echo "$home/usr/sbin/nginx"
echo "$home/usr/bin/caddy"
