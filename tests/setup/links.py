#!/usr/bin/env python3
"""Fails where a page links to a file or heading that is not there, or names a file that is not there.

    tests/setup/links.py            every *.md file that git knows or would add

A name in backticks counts as a file if it has a folder and one of the endings below. It may be
relative to its page, to the repository, or to handler/.
"""
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOTS = ["", "handler"]
FILES = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:rs|sh|py|bicep|bicepparam|json|toml|md|txt|yml))`")
LINKS = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?\s*\)")


def prose(text):
    """The page without code blocks; `text` in backticks stays."""
    return re.sub(r"^( *)(```|~~~).*?^\1\2[^\n]*$", "", text, flags=re.M | re.S)


def anchors(path):
    """The anchors of a page's headings, made as the platform makes them."""
    seen, found = {}, set()
    for title in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", prose(path.read_text()), flags=re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        found.add(slug if count == 0 else f"{slug}-{count}")
    return found


def findings(page):
    text = prose(page.read_text())
    for link in LINKS.findall(re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = urllib.parse.unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{link}: there is no such heading"
    for name in FILES.findall(text):
        places = [page.parent, *(ROOT / root for root in ROOTS)]
        if "target" not in name.split("/") and not any((place / name).exists() for place in places):
            yield f"`{name}`: there is no such file"


def main():
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    pages = [ROOT / name for name in sorted(set(names.split("\0"))) if name]
    found = [
        f"{page.relative_to(ROOT)}: {finding}"
        for page in pages
        if page.exists()
        for finding in findings(page)
    ]
    print("\n".join(found) or f"{len(pages)} pages: every link leads to a file or heading.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
