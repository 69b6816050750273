#!/bin/sh
# Installs emulate, a stand-in for Google's sign-in that somebody else wrote, under target/emulate, once, and prints the command that runs it.
# What is installed stands in tests/setup/emulate, and what it needs in npm.sh. Repeat as you like.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=$("$here/npm.sh" emulate 22.15)
run=$home/run
# In one step: another test run may be about to start it.
printf '#!/bin/sh\nexec "%s" --require "%s" "%s" "$@"\n' "$home/with-node" "$here/serve.cjs" "$home/node_modules/emulate/dist/index.js" >"$run.$$"
chmod +x "$run.$$"
mv "$run.$$" "$run"
echo "$run"
