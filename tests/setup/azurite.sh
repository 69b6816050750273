#!/bin/sh
# Installs Azurite, the emulator of Azure storage, under target/azurite, once, and prints the command that runs it.
# tests/setup/azurite names what is installed; npm.sh names what that needs. Running it again is harmless.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=$("$here/npm.sh" azurite 20.0)
run=$home/azurite
# In one step: another test run may be about to start it.
printf '#!/bin/sh\nexec "%s" --require "%s" "%s" "$@"\n' "$home/with-node" "$here/serve.cjs" "$home/node_modules/azurite/dist/src/azurite.js" >"$run.$$"
chmod +x "$run.$$"
mv "$run.$$" "$run"
echo "$run"
