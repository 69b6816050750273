#!/usr/bin/env python3
"""Prints the messages of `cargo clippy --message-format=json -- --force-warn missing_docs` (stdin).

Every public item needs a doc comment, but its fields and variants do not: the compiler's lint
`missing_docs` cannot tell them apart, so its messages about those are left out here. Exits with 1
where an item has none. Errors are the exit status of clippy itself.
"""

import json
import sys

NEED_NONE = ("missing documentation for a struct field", "missing documentation for a variant")


def main():
    shown, missing = set(), 0
    for line in sys.stdin:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") != "compiler-message":
            continue
        message = message["message"]
        code = (message["code"] or {}).get("code")
        is_summary = code is None and message["message"].endswith("emitted")
        # Clippy sees a file once for the library and once for its tests.
        if message["message"] in NEED_NONE or is_summary or message["rendered"] in shown:
            continue
        shown.add(message["rendered"])
        missing += code == "missing_docs"
        print(message["rendered"], end="")
    if missing:
        print(f"{missing} public item(s) without a doc comment.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
