#!/usr/bin/env python3
"""Finds circles of files and of folders inside each crate, re-exports included.

    tests/setup/circles.py [ROOT]           reports all circles below ROOT (default: this workspace)
    tests/setup/circles.py --list CRATE     prints what each file and folder of one crate depends on
    tests/setup/circles.py --self-test      checks this script on crates made for it

Every path in the code (`use` trees and inline paths) is followed to the file that defines the name:
a re-export is followed to the definition. A file depends on the file that defines what it names.
Declaring a child (`mod x;`) or re-exporting a descendant (`pub use x::Y`) is no dependency. Code
under `#[cfg(test)]` is left out. Not seen: calls of methods, names inside macros' definitions.

A circle of folders is a circle among the direct children of one folder, each child taken together
with everything below it. The folder's own file (`mod.rs`, `x.rs`, `lib.rs`) is one of the children.
"""

import os
import sys
import tempfile
from collections import defaultdict

sys.dont_write_bytecode = True
from rust_modules import Crate, Module, resolve

# Circles that may stay: (crate, the circle's members as printed) with the reason.
ALLOWED = {}

def edges_of(crate):
    """(from file, to file) -> {(line, name)}"""
    edges = defaultdict(set)

    def add(module, path, line, exported):
        for target in resolve(module, path):
            if isinstance(target, Module):
                continue  # naming a module is no dependency; what is named inside it is
            file, name = target
            below = crate.files[file][:len(crate.files[module.file])] == crate.files[module.file]
            if file != module.file and not (exported and below):
                edges[module.file, file].add((line, name))

    for module in crate.modules:
        for bound, path, public, line in module.uses:
            if bound != "*":
                add(module, path, line, public)
        for path, line in module.paths:
            if path[0] not in ("Self", "self") or len(path) > 1:
                add(module, path, line, False)
    return edges


def circles(nodes, arrows):
    """The strongly connected components of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(nodes):
        if node not in index:
            visit(node)
    return found


def levels(crate, edges):
    """For each folder: its label, and child -> {other child: [edges of files]}."""
    folders = {chain[:n] for chain in crate.files.values() for n in range(len(chain))}
    for folder in sorted(folders):
        def child(file):
            chain = crate.files[file]
            if chain[:len(folder)] != folder:
                return None
            return chain[len(folder)] if len(chain) > len(folder) else "(its own file)"

        arrows = defaultdict(lambda: defaultdict(list))
        for (source, target), names in sorted(edges.items()):
            one, other = child(source), child(target)
            if one and other and one != other:
                arrows[one][other].append((source, target, names))
        yield "::".join(("crate",) + folder), arrows


def describe(base, source, target, names):
    lines = ",".join(str(line) for line in sorted({line for line, _ in names})[:4])
    words = sorted({name for _, name in names})
    more = f", and {len(words) - 4} more" if len(words) > 4 else ""
    return f"{relative(base, source)}:{lines} -> {relative(base, target)} ({', '.join(words[:4])}{more})"


def relative(base, file):
    return os.path.relpath(file, base)


def in_order(members, arrows):
    """The members, users first, so that few arrows go backwards: those are the ones to remove."""
    rest, ordered = set(members), []
    while rest:
        def balance(node):
            out = sum(len(arrows[node][other]) for other in rest & set(arrows[node]))
            return out - sum(len(arrows[other][node]) for other in rest if node in arrows[other])

        ordered.append(max(sorted(rest), key=balance))
        rest.remove(ordered[-1])
    return ordered


def check(base, root_file):
    """All circles of one crate: (kind, where, members, the lines that show it)."""
    crate = Crate(root_file)
    edges, found, known = edges_of(crate), [], []
    by_file = defaultdict(lambda: defaultdict(list))
    for (source, target), names in sorted(edges.items()):
        by_file[source][target].append((source, target, names))
    for kind, where, arrows in [("files", "", by_file)] + [("folders", *level) for level in levels(crate, edges)]:
        for members in circles(list(arrows), arrows):
            ordered = in_order(members, arrows)
            inside = [(a, b, edge) for a in ordered for b in ordered for edge in arrows[a][b]]
            files = {file for _, _, edge in inside for file in edge[:2]}
            if kind == "folders" and len(files) == len(members) and files in known:
                continue  # each child is one file: the circle of files says it
            known.append(files)
            back = [edge for a, b, edge in inside if ordered.index(a) > ordered.index(b)]
            lines = [describe(base, *edge) for edge in (back if len(inside) > 8 else [edge for _, _, edge in inside])]
            names = [relative(base, member) for member in ordered] if kind == "files" else ordered
            found.append((kind, where, names, lines))
    return found


def crates(base):
    """Every `lib.rs` and `main.rs` of the workspace."""
    for folder, folders, files in os.walk(base):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in ("target", "node_modules"))
        for name in ("lib.rs", "main.rs"):
            if name in files:
                yield os.path.join(folder, name)


SELF_TEST = {
    "clean/lib.rs": "mod a; mod b; mod c;\npub use a::run; /* crate::b::B */",
    "clean/a.rs": "use crate::c::C;\npub fn run() { super::b::B::new(C, \"crate::a::run\") }",
    "clean/b.rs": "pub struct B;\n#[cfg(test)]\nmod tests { use crate::a::run; }",
    "clean/c.rs": "pub struct C; // crate::a::run",
    "exports/lib.rs": "mod folder;",
    "exports/folder/mod.rs": "mod one; mod two;\npub use one::One;\npub(crate) use two::{Two, helper};",
    "exports/folder/one.rs": "use super::Two;\npub struct One(Two);",
    "exports/folder/two.rs": "pub struct Two;\npub fn helper(_: super::One) {}",
    "folders/lib.rs": "mod left; mod right;",
    "folders/left/mod.rs": "pub mod low; pub mod high;",
    "folders/left/low.rs": "pub struct Low;",
    "folders/left/high.rs": "use crate::right::{self, down::Down as Other};\npub fn high() { right::up::up() }",
    "folders/right/mod.rs": "pub mod up; pub mod down;",
    "folders/right/up.rs": "use crate::left::low::*;\npub fn up() -> Low { Low }",
    "folders/right/down.rs": "pub struct Down;",
    "parent/lib.rs": "mod plan;",
    "parent/plan.rs": "mod known;\npub use known::decide;\npub struct Plan;\nfn go() { decide() }",
    "parent/plan/known.rs": "pub fn decide() { let _: super::Plan; }",
}
SELF_TEST_FINDINGS = {
    "clean": [],
    "exports": [("files", ["exports/folder/one.rs", "exports/folder/two.rs"])],
    "folders": [("folders", ["left", "right"])],
    "parent": [("files", ["parent/plan.rs", "parent/plan/known.rs"])],
}


def self_test():
    with tempfile.TemporaryDirectory() as base:
        for name, text in SELF_TEST.items():
            os.makedirs(os.path.dirname(os.path.join(base, name)), exist_ok=True)
            with open(os.path.join(base, name), "w", encoding="utf-8") as file:
                file.write(text)
        for crate, expected in SELF_TEST_FINDINGS.items():
            found = check(base, os.path.join(base, crate, "lib.rs"))
            assert [(kind, sorted(members)) for kind, _, members, _ in found] == expected, (crate, found)
    print("circles.py: the self-test passed.")


def report(base):
    bad = 0
    for root_file in crates(base):
        name = os.path.relpath(root_file, base)
        for kind, where, members, lines in check(base, root_file):
            reason = ALLOWED.get((name, tuple(sorted(members))))
            print(f"{name}: a circle of {kind}{' in ' + where if where else ''}: {' '.join(members)}")
            print("    allowed: " + reason if reason else "".join(f"    {line}\n" for line in lines))
            bad += not reason
    print(f"{bad} circle(s) of files or folders.")
    return 1 if bad else 0


def list_edges(base, name):
    for root_file in crates(os.path.join(base, name)):
        crate = Crate(root_file)
        for folder, arrows in levels(crate, edges_of(crate)):
            print(f"{os.path.relpath(root_file, base)} {folder}")
            for one in sorted(arrows):
                print(f"    {one} -> {' '.join(sorted(arrows[one]))}")


def main(arguments):
    base = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) == 2 and arguments[0] == "--list":
        return list_edges(base, arguments[1])
    if len(arguments) > 1 or arguments[:1] and arguments[0].startswith("-"):
        raise SystemExit(__doc__)
    return report(os.path.realpath(arguments[0]) if arguments else base)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
