#!/bin/sh
# Fetches Google's own description of its Calendar API (the discovery document), once, and prints its path: out of the wheel of
# google-api-python-client on PyPI, at the version and with the hash of discovery.txt, into target/corpora/google-<version>/. The simulator of Google is held against it.
# Needs Python 3 with pip, or the one that tests/setup/servers.sh has installed. Running it again is harmless: what is installed is kept.
set -eu

wanted=tests/setup/discovery.txt

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
version=$(sed -n 's/^google-api-python-client==\([0-9.]*\).*/\1/p' "$wanted")
corpora=$root/target/corpora
destination=$corpora/google-$version
document=$destination/calendar.v3.json
if [ ! -f "$document" ]; then
    mkdir -p "$corpora"
    python=${PYTHON:-python3}
    "$python" -m pip --version >/dev/null 2>&1 || python=$root/target/servers/venv/bin/python
    work=$(mktemp -d "$corpora/fetching.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if ! "$python" -m pip download --disable-pip-version-check --require-hashes --only-binary :all: --no-deps --dest "$work" \
        -r "$wanted" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        echo "Google's discovery document could not be fetched from PyPI. Nothing was changed; run this script again when there is a network." >&2
        exit 1
    fi
    mkdir "$work/found"
    "$python" - "$work" "$work/found/calendar.v3.json" <<'PYTHON'
import pathlib, sys, zipfile
(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    pathlib.Path(sys.argv[2]).write_bytes(archive.read("googleapiclient/discovery_cache/documents/calendar.v3.json"))
PYTHON
    # Two runs may arrive at once: the first to finish wins, and both have an equal file.
    mv -T "$work/found" "$destination" 2>/dev/null || [ -f "$document" ] || mv "$work/found" "$destination"
fi
echo "$document"
