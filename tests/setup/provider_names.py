#!/usr/bin/env python3
"""Finds the places in the product that name a provider.

    tests/setup/provider_names.py [ROOT]    reports all places outside of ALLOWED; exit status 1 if there are any

A rule that depends on the provider reads a fact of `engine::provider`. A place that names a provider is one more place
to change for the next provider. Tests are left out: files and folders called `tests`, and code under `#[cfg(test)]`.
"""
import pathlib
import re
import sys

# Where a provider may be named, each with the reason. A path that ends in a slash is a folder.
ALLOWED = {
    "handler/engine/src/provider.rs": "the table of facts",
    "handler/providers/": "the providers themselves",
    "handler/host/src/registry/": "the registry: which module serves which provider",
    "handler/web/src/api/accounts.rs": "the shapes of requests that connect an account with a password",
    "handler/host/src/cli/provider_words.rs": "the commands that connect an account, and their words",
}
# Where a string may name a provider, too.
ALLOWED_STRINGS = {
    "handler/web/src/consent_words.rs": "the pages that connect an account: their paths and their words",
    "handler/web/src/words/providers.rs": "the words about each provider",
    "handler/host/src/config/": "the settings of a provider",
    "handler/engine/src/conference/": "the names of conference services",
    "functions/lib.rs": "the names of functions, which function.json has too",
    "functions/google_webhook/": "the address that a provider calls",
    "functions/microsoft_lifecycle/": "the address that a provider calls",
    "functions/microsoft_webhook/": "the address that a provider calls",
    "handler/host/src/cli/consent/callback_server.rs": "the path of the redirect",
    "handler/jobs/src/accounts/secret/mod.rs": "the well-known path of RFC 6764",
    "handler/jobs/src/problem.rs": "the words for an address without a CalDAV server",
}
SOURCES = ("handler", "functions")
NAMED = re.compile(r"\bProviderKind::(?:Caldav|Icloud|Google|Microsoft)\b|\bProviderKind::\{[^}]*\}")
STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:google|icloud|caldav|(?<!X-)(?<!tzone://)microsoft)(?:[^"\\]|\\.)*"', re.IGNORECASE)
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*(?:pub(?:\([^)]*\))? )?mod \w+ \{", re.MULTILINE)


def is_test(path):
    return any(part in ("tests", "tests.rs") or part.endswith("_tests.rs") for part in path.parts)


def product(text):
    """The text without its test module, which is the last item of a file."""
    test = TEST_MODULE.search(text)
    return text[: test.start()] if test else text


def is_allowed(path, places):
    return any(path == allowed or (allowed.endswith("/") and path.startswith(allowed)) for allowed in places)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    missing = [allowed for allowed in (*ALLOWED, *ALLOWED_STRINGS) if not (root / allowed).exists()]
    found = []
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*.rs")):
            path = file.relative_to(root)
            if is_test(path) or is_allowed(path.as_posix(), ALLOWED):
                continue
            strings = not is_allowed(path.as_posix(), ALLOWED_STRINGS)
            for number, line in enumerate(product(file.read_text()).splitlines(), 1):
                if line.lstrip().startswith("//"):
                    continue
                if NAMED.search(line) or (strings and STRING.search(line)):
                    found.append(f"{path}:{number}: {line.strip()}")
    for allowed in missing:
        print(f"{allowed} is allowed to name providers and does not exist: remove it from ALLOWED")
    for place in found:
        print(place)
    if found:
        print(f"{len(found)} place(s) name a provider. Read a fact of engine::provider instead, or allow the file.")
    return 1 if found or missing else 0


if __name__ == "__main__":
    sys.exit(main())
