"""Reads the modules of a Rust crate: what each defines, imports and names, and what a name means.

It knows as much of the language as `circles.py` needs: no types, no macros, no generics. Code under
`#[cfg(test)]` is left out.
"""

import os
import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)|[bc]?"(?:\\.|[^"\\])*"
    |b?'(?:\\[^']+|\\'|[^'\\])'|'\w+)|(?P<token>(?:r\#)?[A-Za-z_]\w*|\d\w*|::|->|=>|.)""",
    re.S | re.X,
)
ITEMS = {"fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"}
OPEN, CLOSE = "([{", ")]}"


def tokens_of(text):
    line, found = 1, []
    for match in TOKEN.finditer(text):
        if match["token"]:
            found.append((match["token"].removeprefix("r#"), line))
        line += match[0].count("\n")
    return found


class Module:
    """A module: a file, or an inline `mod x { }` inside one."""

    def __init__(self, name, file, parent, folder):
        self.name, self.file, self.parent, self.folder = name, file, parent, folder
        self.children, self.defined = {}, set()
        self.uses = []  # (name or "*", path, is a re-export, line)
        self.paths = []  # (path, line), as they stand in the code
        self.root = parent.root if parent else self


class Crate:
    def __init__(self, root_file):
        self.modules, self.files = [], {}  # files: path -> the chain of module names that leads to it
        self.root = self.read(root_file, "crate", None, os.path.dirname(root_file), ())

    def read(self, file, name, parent, folder, chain):
        module = Module(name, file, parent, folder)
        self.modules.append(module)
        self.files[file] = chain
        with open(file, encoding="utf-8") as source:
            self.parse(tokens_of(source.read()), module, chain)
        return module

    def declare(self, module, name, chain):
        """`mod name;`: reads the file that holds it."""
        folder = os.path.join(module.folder, name)
        for file in (folder + ".rs", os.path.join(folder, "mod.rs")):
            if os.path.exists(file):
                module.children[name] = self.read(file, name, module, folder, chain + (name,))
                return
        raise SystemExit(f"{module.file}: the file of `mod {name}` is not found")

    def parse(self, tokens, top, chain):
        depth, stack = 0, [(top, 0, chain)]  # stack: module, the depth of its items, its chain
        at, previous = 0, ""
        while at < len(tokens):
            token, line = tokens[at]
            module, level, chain = stack[-1]
            following = tokens[at + 1][0] if at + 1 < len(tokens) else ""
            if token == "#" and following in "[!":
                end = skip_group(tokens, at + (2 if following == "!" else 1))
                words = [word for word, _ in tokens[at:end]]
                if words[2:-1] == ["cfg", "(", "test", ")"]:
                    end = skip_item(tokens, end)
                else:
                    self.collect(module, tokens[at + 2:end])
                at = end
                continue
            if token == "use" and following != "<":
                end = next(i for i in range(at, len(tokens)) if tokens[i][0] == ";")
                public = previous in ("pub", ")") and depth == level
                leaves(tokens[at + 1:end], [], public, module.uses)
                at = end
            elif token == "mod" and depth == level and following.isidentifier():
                if tokens[at + 2][0] == ";":
                    self.declare(module, following, chain)
                else:
                    inner = Module(following, module.file, module, os.path.join(module.folder, following))
                    self.modules.append(inner)
                    module.children[following] = inner
                    depth += 1
                    stack.append((inner, depth, chain + (following,)))
                at += 2
            elif token in OPEN:
                if previous == "pub" and following in ("crate", "super", "self", "in"):
                    at = skip_group(tokens, at) - 1
                    token = ")"
                else:
                    depth += 1
            elif token in CLOSE:
                depth -= 1
                if depth < stack[-1][1]:
                    stack.pop()
            elif token in ITEMS and following not in ("", "(", "*", "fn"):
                name = tokens[at + 2][0] if following in ("!", "mut", "unsafe") else following
                if depth == level and previous != "*":
                    module.defined.add(name)
                if token == "fn":
                    at += 1  # the name that is defined here is no use of another item
            elif token[0].isalpha() or token[0] == "_":
                end = self.path(module, tokens, at, previous)
                previous, at = tokens[end - 1][0], end
                continue
            previous = token
            at += 1

    def collect(self, module, tokens):
        """Paths inside an attribute."""
        at = 0
        while at < len(tokens):
            at = self.path(module, tokens, at, "") if tokens[at][0].isidentifier() else at + 1

    def path(self, module, tokens, at, previous):
        """Reads the path that begins at `at`; returns where it ends."""
        path, line = [tokens[at][0]], tokens[at][1]
        end = at + 1
        while end + 1 < len(tokens) and tokens[end][0] == "::" and tokens[end + 1][0].isidentifier():
            path.append(tokens[end + 1][0])
            end += 2
        following = tokens[end][0] if end < len(tokens) else ""
        constant_or_type = path[0][0].isupper()
        if previous not in (".", "::") and (len(path) > 1 or constant_or_type or following in ("(", "!")):
            module.paths.append((path, line))
        return end


def skip_group(tokens, at):
    """From an opening bracket to behind its closing one."""
    depth = 0
    while True:
        depth += (tokens[at][0] in OPEN) - (tokens[at][0] in CLOSE)
        at += 1
        if depth == 0:
            return at


def skip_item(tokens, at):
    """Behind the item, field or statement that follows a `#[cfg(test)]`."""
    while tokens[at][0] == "#":
        at = skip_group(tokens, at + 1)
    is_item = tokens[at][0] in ITEMS | {"pub", "use", "mod", "impl", "async", "unsafe", "let"}
    while tokens[at][0] not in ";}":
        if tokens[at][0] in OPEN:
            body = tokens[at][0] == "{"
            at = skip_group(tokens, at)
            if body:
                return at
        elif tokens[at][0] == "," and not is_item:
            return at + 1
        else:
            at += 1
    return at + (tokens[at][0] == ";")


def leaves(tokens, prefix, public, found):
    """The leaves of a `use` tree."""
    path, at = list(prefix), 0
    while at < len(tokens):
        token, line = tokens[at]
        if token == "{":
            end, start, depth = skip_group(tokens, at), at + 1, 0
            for i in range(at + 1, end):
                word = tokens[i][0]
                if depth == 0 and word in (",", "}") and i > start:
                    leaves(tokens[start:i], path, public, found)
                if depth == 0 and word == ",":
                    start = i + 1
                depth += (word in OPEN) - (word in CLOSE)
            return
        if token == "as":
            found.append((tokens[at + 1][0], path, public, line))
            return
        if token == "*":
            found.append(("*", path, public, line))
            return
        if token == "self" and path:
            break
        if token != "::":
            path.append(token)
        at += 1
    found.append((path[-1], path, public, tokens[0][1]))


def lookup(module, name, seen):
    """What `name` means in `module`: modules, and (file, name) of items. `seen`: `use`s followed."""
    found = set()
    if name in module.children:
        found.add(module.children[name])
    if name in module.defined:
        found.add((module.file, name))
    uses = [use for use in module.uses if id(use) not in seen]
    for use in (use for use in uses if use[0] == name):
        found |= resolve(module, use[1], seen | {id(use)})
    if not found:
        for use in (use for use in uses if use[0] == "*"):
            for target in resolve(module, use[1], seen | {id(use)}):
                if isinstance(target, Module):
                    found |= lookup(target, name, seen | {id(use)})
    return found


def resolve(module, path, seen=frozenset()):
    at, first = 1, path[0]
    if first == "crate":
        found = {module.root}
    elif first == "self":
        found = {module}
    elif first == "super":
        found = {module.parent} if module.parent else set()
        while found and at < len(path) and path[at] == "super":
            found, at = {next(iter(found)).parent} - {None}, at + 1
    else:
        found = lookup(module, first, seen)
    for name in path[at:]:
        modules = [target for target in found if isinstance(target, Module)]
        inner = set().union(*(lookup(target, name, seen) for target in modules))
        # What follows a type is its variant or function: the type's file is where it is defined.
        found = inner or {target for target in found if not isinstance(target, Module)}
    return found
