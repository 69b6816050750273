#!/bin/sh
# Installs emulate, an independent stand-in for Google's sign-in, under target/emulate, once, and prints the command that runs it.
# tests/setup/emulate names what is installed; npm.sh names what that needs. Running it again is harmless.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=$("$here/npm.sh" emulate 22.15)
run=$home/run
# In one step: another test run may be about to start it.
printf '#!/bin/sh\nexec "%s" --require "%s" "%s" "$@"\n' "$home/with-node" "$here/serve.cjs" "$home/node_modules/emulate/dist/index.js" >"$run.$$"
chmod +x "$run.$$"
mv "$run.$$" "$run"
echo "$run"
