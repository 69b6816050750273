#!/usr/bin/env bash
# Lays the app as the Functions host wants it, target/package/, and zips it, target/calrelay.zip.
#
#   infra/package.sh                  builds calrelay for Linux with glibc 2.28 or newer, on any machine (zig is the C compiler and linker)
#   infra/package.sh --native         builds with this machine's own compiler and glibc, and says which glibc that asks for
#   infra/package.sh --binary FILE    takes a program that is built already
#
# Needs Rust, Python 3, and without --binary crates.io and PyPI within reach. Words go to stderr; stdout is the path of the zip.
set -euo pipefail

glibc=2.28              # Debian 10, RHEL 8, and everything that Azure has run functions on since
limit=$((20 * 1024 * 1024)) # the host copies the program to every new instance: a large one starts late
tools=infra/requirements.txt

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
usage() { say "usage: infra/package.sh [--native | --binary FILE]"; exit 2; }

how=portable binary=
case "${1-}" in
'') [ $# -eq 0 ] || usage ;;
--native) [ $# -eq 1 ] || usage; how=native ;;
--binary) [ $# -eq 2 ] || usage; how=given binary=$(realpath -- "$2") ;;
*) usage ;;
esac
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)

# What the host would find out only after a deployment, and say only in its log.
python3 - <<'PYTHON' || die "Nothing was packaged."
import json, pathlib, re, sys

def refuse(words):
    sys.exit(words)

def read(path):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        refuse(f"{path} is missing: the host cannot start without it.")
    except ValueError as error:
        refuse(f"{path} is not JSON: {error}")
    return value if isinstance(value, dict) else refuse(f"{path} must be a JSON object.")

host = read(pathlib.Path("host.json"))
handler = host.get("customHandler", {})
if host.get("version") != "2.0":
    refuse('host.json must say "version": "2.0".')
if handler.get("description", {}).get("defaultExecutablePath") != "calrelay":
    refuse("host.json must name calrelay as customHandler.description.defaultExecutablePath.")

functions = sorted(pathlib.Path("functions").glob("*/function.json"))
if not functions:
    refuse("functions/ has no folder with a function.json: there would be nothing to run.")
for path in functions:
    name = path.parent.name
    # The host's own rule for names; it skips a function that breaks it and loads the rest.
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,127}", name, re.I) or name.lower() == "host":
        refuse(f"{path}: the host takes no function of this name.")
    bindings = read(path).get("bindings")
    if not isinstance(bindings, list) or not bindings:
        refuse(f"{path}: bindings must be a list, and not empty.")
PYTHON

case $how in
portable)
    venv=$target/infra/venv
    if ! cmp -s "$tools" "$venv/installed"; then
        say "Installing zig and cargo-zigbuild ($tools) under target/infra ..."
        { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$tools"; } >&2 ||
            die "zig could not be installed. With --native this machine's compiler is used; the program then asks for this machine's glibc or newer."
        cp "$tools" "$venv/installed"
    fi
    say "Building calrelay for x86_64 Linux with glibc $glibc or newer ..."
    # Whole-program optimisation: smaller, and some minutes longer.
    export CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
    PATH=$venv/bin:$PATH CARGO_TARGET_DIR=$target cargo zigbuild --release --locked -p host --bin calrelay --target "x86_64-unknown-linux-gnu.$glibc" >&2
    binary=$target/x86_64-unknown-linux-gnu/release/calrelay
    ;;
native)
    [ "$(uname -sm)" = "Linux x86_64" ] || die "Azure runs x86_64 Linux, and this is $(uname -sm). Leave --native out."
    say "Building calrelay for this machine ..."
    CARGO_TARGET_DIR=$target cargo build --release --locked -p host --bin calrelay >&2
    binary=$target/release/calrelay
    ;;
given) [ -f "$binary" ] || die "$binary is not a file." ;;
esac

size=$(wc -c <"$binary")
[ "$size" -le "$limit" ] || die "calrelay has $size bytes, and $limit are allowed. Nothing was packaged."
if command -v objdump >/dev/null; then
    newest=$(objdump -T "$binary" 2>/dev/null | grep -o 'GLIBC_[0-9][0-9.]*' | sort -uV | tail -n 1 || true)
    newest=${newest#GLIBC_}
    say "calrelay: $size bytes; needs $([ -n "$newest" ] && echo "glibc $newest or newer" || echo "no glibc")"
    if [ $how = portable ] && [ -n "$newest" ] && [ "$(printf '%s\n' "$newest" $glibc | sort -V | tail -n 1)" != $glibc ]; then
        die "It was built for glibc $glibc. Nothing was packaged."
    fi
else
    say "calrelay: $size bytes; NOT CHECKED which glibc it needs, since objdump is not installed."
fi

# Made aside and moved into place, so that a broken run leaves the last good package alone.
work=$(mktemp -d "$target/package.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/package"
install -m 755 "$binary" "$work/package/calrelay"
install -m 644 host.json "$work/package/host.json"
# Of each folder the trigger alone: its source is in the program, and a stray run.* would be taken for a script.
for function in functions/*/function.json; do
    name=$(basename -- "$(dirname -- "$function")")
    mkdir "$work/package/$name"
    install -m 644 "$function" "$work/package/$name/function.json"
done
# The same files make the same zip, run bit included; other zippers lose the bit on other systems.
python3 - "$work/package" "$work/calrelay.zip" <<'PYTHON'
import pathlib, sys, zipfile
source, destination = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(path.relative_to(source).as_posix(), (1980, 1, 1, 0, 0, 0))
        entry.create_system = 3
        entry.external_attr = (0o100000 | path.stat().st_mode & 0o777) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, path.read_bytes())
PYTHON
rm -rf "$target/package"
mv "$work/package" "$target/package"
mv "$work/calrelay.zip" "$target/calrelay.zip"
say "target/package: $(find "$target/package" -name function.json | wc -l) functions; zip: $(wc -c <"$target/calrelay.zip") bytes"
echo "$target/calrelay.zip"
