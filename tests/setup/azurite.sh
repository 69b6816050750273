#!/bin/sh
# Installs Azurite, the emulator of Azure storage, under target/azurite, once, and prints the command that runs it.
# What is installed stands in tests/setup/azurite, and what it needs in npm.sh. Repeat as you like.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=$("$here/npm.sh" azurite 20.0)
run=$home/azurite
# Two may arrive at once, and another may be about to run it.
[ -x "$run" ] && grep -qs with-node "$run" || {
    printf '#!/bin/sh\nexec "%s" --require "%s" "%s" "$@"\n' \
        "$home/with-node" "$here/azurite/serve.cjs" "$home/node_modules/azurite/dist/src/azurite.js" >"$run.$$"
    chmod +x "$run.$$"
    mv "$run.$$" "$run"
}
echo "$run"
