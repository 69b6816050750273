#!/bin/sh
# Installs the servers of tests/requirements.txt under target/servers, once, and prints the command that runs Python with them.
# Needs Python 3 with venv, or with pip. Running it again is harmless: what is installed is kept.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
home=${CARGO_TARGET_DIR:-target}/servers
mkdir -p "$home"
home=$(cd "$home" && pwd)
wanted=$root/tests/requirements.txt
python=${PYTHON:-python3}
run=$home/python

ready() { [ -x "$run" ] && cmp -s "$wanted" "$home/installed.txt" && "$run" -c 'import radicale, xandikos' 2>/dev/null; }

install() {
    rm -rf "$home/venv" "$home/site" "$home/installed.txt" "$run"
    # Some systems ship venv without the part that puts pip into it.
    if "$python" -m venv "$home/venv" >"$home/install.log" 2>&1; then
        "$home/venv/bin/python" -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r "$wanted" >>"$home/install.log" 2>&1 || return 1
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$home/venv/bin/python" >"$run"
    else
        rm -rf "$home/venv"
        "$python" -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --target "$home/site" -r "$wanted" >>"$home/install.log" 2>&1 || return 1
        printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" "$@"\n' "$home/site" "$(command -v "$python")" >"$run"
    fi
    chmod +x "$run"
    cp "$wanted" "$home/installed.txt"
}

# Two test runs may arrive at once: one installs, the other waits for it, and takes over if it died.
waited=0
until ready; do
    if mkdir "$home/lock" 2>/dev/null; then
        trap 'rmdir "$home/lock" 2>/dev/null || true' EXIT
        ready || install || {
            tail -n 20 "$home/install.log" >&2
            echo "The test servers could not be installed. Python 3 with venv or pip is needed (on Debian: apt install python3-venv)." >&2
            exit 1
        }
        break
    fi
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || rmdir "$home/lock" 2>/dev/null || true
    sleep 1
done
echo "$run"
