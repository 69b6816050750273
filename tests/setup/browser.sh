#!/bin/sh
# Installs a headless Chromium under target/browser, once, and prints the command that runs it: it speaks the DevTools protocol on stdin and
# stdout, a message and a zero byte at a time, and ends when stdin ends.
#
# tests/setup/browser names what is installed; npm.sh names what that needs. The browser brings its libraries and a font, for Linux on x86-64;
# elsewhere CALRELAY_TEST_BROWSER names a Chrome or Chromium of your own.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
own=${CALRELAY_TEST_BROWSER-}
if [ -z "$own" ] && [ "$(uname -s) $(uname -m)" != "Linux x86_64" ]; then
    echo "There is no browser to install for this machine. Set CALRELAY_TEST_BROWSER to the program of a Chrome or Chromium." >&2
    exit 1
fi
if [ -n "$own" ]; then
    home=$(CDPATH='' cd -- "$here/../.." && mkdir -p "${CARGO_TARGET_DIR:-target}/browser" && cd "${CARGO_TARGET_DIR:-target}/browser" && pwd)
    run=$home/own program=$own
else
    home=$("$here/npm.sh" browser 20.0)
    run=$home/browser program=$home/chromium
fi
{
    echo '#!/bin/sh'
    [ -n "$own" ] || printf 'export LD_LIBRARY_PATH="%s/lib" FONTCONFIG_FILE="%s/fonts.conf"\n' "$home" "$home"
    # Chromium speaks on the descriptors 3 and 4; a process is started with 0 and 1.
    printf 'exec "%s" "$@" 3<&0 4>&1 </dev/null >&2\n' "$program"
} >"$run.$$"
chmod +x "$run.$$"
mv "$run.$$" "$run"
echo "$run"
