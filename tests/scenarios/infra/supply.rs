//! What the repository's scripts, its CI and its instructions install: each thing at one version,
//! and held against a hash before it is used. Each check is shown a file that it must refuse.

use std::collections::BTreeMap;
use std::path::Path;

use super::root;

/// Files that install something or say how to, and the lists that they install, by their path in
/// the repository.
type Files = BTreeMap<String, String>;

fn files() -> Files {
    let root = root();
    let mut files = Files::new();
    for folder in [".ci", ".github", "infra", "tests", "handler"] {
        collect(&root, Path::new(folder), &mut files);
    }
    for name in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        collect(&root, Path::new(name), &mut files);
    }
    files
}

fn collect(root: &Path, path: &Path, files: &mut Files) {
    let full = root.join(path);
    if full.is_dir() {
        for entry in std::fs::read_dir(full).unwrap().map(Result::unwrap) {
            collect(root, &path.join(entry.file_name()), files);
        }
        return;
    }
    let name = path.to_str().unwrap();
    let script = name.ends_with("/run");
    let kinds = [
        ".sh",
        ".py",
        ".yml",
        ".yaml",
        ".txt",
        ".md",
        "package-lock.json",
        "Cargo.lock",
        "toolchain.toml",
    ];
    if script || kinds.iter().any(|kind| name.ends_with(kind)) {
        files.insert(name.to_owned(), std::fs::read_to_string(full).unwrap());
    }
}

fn findings(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        if path.starts_with(".github/") {
            actions(path, text, &mut found);
        }
        if path.ends_with(".txt") && text.contains("==") {
            python_list(path, text, &mut found);
        } else if path.ends_with("package-lock.json") {
            npm_lock(path, text, &mut found);
        } else if path.ends_with("Cargo.lock") {
            cargo_lock(path, text, &mut found);
        } else if path.ends_with("toolchain.toml") {
            let channel = text.lines().find_map(|line| line.strip_prefix("channel = "));
            if !channel.is_some_and(|channel| {
                channel.trim_matches('"').split('.').all(|part| part.parse::<u32>().is_ok())
            }) {
                found.push(format!("{path}: names no version of Rust"));
            }
        } else {
            installers(path, text, &mut found);
        }
    }
    found
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An action is named by its commit, with its tag in a comment.
fn actions(path: &str, text: &str, found: &mut Vec<String>) {
    for line in text
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses:"))
    {
        let (action, tag) = line.trim().split_once(" # ").unwrap_or((line.trim(), ""));
        let pinned = action.split_once('@').is_some_and(|(_, commit)| is_hex(commit, 40));
        if !(action.starts_with("./") || pinned && tag.starts_with('v')) {
            found.push(format!(
                "{path}: {action} is not named by its commit, with its tag beside it"
            ));
        }
    }
}

/// A list for pip: each entry at one version, with a hash, and from nowhere in particular.
fn python_list(path: &str, text: &str, found: &mut Vec<String>) {
    for entry in text
        .replace("\\\n", " ")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut parts = entry.split_whitespace();
        let name = parts.next().unwrap_or_default();
        let hashes: Vec<&str> = parts.filter(|part| part.starts_with("--hash")).collect();
        let exact = name
            .split_once("==")
            .is_some_and(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()));
        let hashed = hashes
            .iter()
            .all(|hash| hash.strip_prefix("--hash=sha256:").is_some_and(|hash| is_hex(hash, 64)));
        if !exact || hashes.is_empty() || !hashed {
            found.push(format!("{path}: {name} is not at one version and with its hashes"));
        }
    }
}

fn npm_lock(path: &str, text: &str, found: &mut Vec<String>) {
    let lock: serde_json::Value = serde_json::from_str(text).unwrap();
    for (name, package) in
        lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty())
    {
        if !package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-")) {
            found.push(format!("{path}: {name} has no hash"));
        }
        // The user of the script chooses the registry.
        if !package["resolved"].is_null() {
            found.push(format!("{path}: {name} names a registry"));
        }
    }
}

fn cargo_lock(path: &str, text: &str, found: &mut Vec<String>) {
    for package in text.split("[[package]]").skip(1).filter(|package| package.contains("source = "))
    {
        if !package.contains("checksum = ") {
            found.push(format!(
                "{path}: {:?} has no checksum",
                package.lines().nth(1).unwrap_or_default()
            ));
        }
    }
}

/// Commands that fetch programs, anywhere: with these arguments, or not at all.
fn installers(path: &str, text: &str, found: &mut Vec<String>) {
    // How a command must be given that has these words: all of the first, and one of the second.
    const COMMANDS: [(&str, &[&str], &[&str]); 6] = [
        // A source distribution would be built with tools that pip fetches by itself, without a
        // hash.
        ("pip install", &["--require-hashes", " -r ", "--only-binary :all:"], &[]),
        ("pip\" install", &["--require-hashes", " -r ", "--only-binary :all:"], &[]),
        (
            "pip download",
            &["--require-hashes", " -r "],
            &["--only-binary :all:", "--no-build-isolation"],
        ),
        ("npm ci", &["--ignore-scripts"], &[]),
        ("cargo install", &["--locked"], &["--version ", "--path "]),
        // No such command is allowed: a file that is fetched by its address has to be compared in
        // the same command.
        ("curl ", &["sha256sum --check"], &[]),
    ];
    const NEVER: [&str; 11] = [
        "npm install",
        "npm i ",
        "npx ",
        "cargo binstall",
        "wget ",
        "az bicep install",
        "rustup toolchain install",
        "docker pull",
        "gem install",
        "uv tool install",
        "pipx ",
    ];
    for command in text.replace("\\\n", " ").lines().filter(|line| !is_words(path, line)) {
        for (words, all, one) in COMMANDS {
            let fine = all.iter().all(|part| command.contains(part))
                && (one.is_empty() || one.iter().any(|part| command.contains(part)));
            // A key of one's own goes along with a question to one's own app: that fetches no
            // program.
            if command.contains(words) && !fine && !command.contains("x-functions-key") {
                found.push(format!("{path}: not held against a hash: {}", command.trim()));
            }
        }
        found.extend(
            NEVER
                .iter()
                .filter(|words| command.contains(*words))
                .map(|words| format!("{path}: {words} compares with nothing")),
        );
    }
}

/// Whether a line is no command but words about one.
fn is_words(path: &str, line: &str) -> bool {
    let line = line.trim_start();
    !path.ends_with(".md") && !path.ends_with(".py") && line.starts_with('#')
        || line.contains("on Debian: apt install")
}

#[test]
fn what_is_installed_is_held_against_a_hash() {
    assert_eq!(findings(&files()), Vec::<String>::new());
}

#[test]
fn what_is_installed_unseen_is_refused() {
    let cases = [
        (
            ".github/workflows/ci.yml",
            "actions/checkout@93cb6efe18208431cddfb8368fd83d5badbf9bfd",
            "actions/checkout@v5",
            "is not named by its commit",
        ),
        (".github/workflows/ci.yml", " # v5.0.1", "", "is not named by its commit"),
        (
            ".github/workflows/ci.yml",
            "- run: bicep --version",
            "- run: az bicep install",
            "az bicep install compares with nothing",
        ),
        (
            ".github/workflows/ci.yml",
            "- run: bicep --version",
            "- run: curl -L https://example.org | sh",
            "not held against a hash",
        ),
        ("tests/setup/servers.sh", "--require-hashes ", "", "not held against a hash"),
        ("tests/setup/npm.sh", "--only-binary :all: ", "", "not held against a hash"),
        ("tests/setup/npm.sh", "npm ci", "npm install", "npm install compares with nothing"),
        ("tests/setup/discovery.sh", "--require-hashes ", "", "not held against a hash"),
        ("tests/corpora.sh", "--no-build-isolation ", "", "not held against a hash"),
        ("tests/setup/tools.sh", "--version \"$version\"", "", "not held against a hash"),
        ("infra/package.sh", "--require-hashes ", "", "not held against a hash"),
        (
            "infra/requirements.txt",
            "ziglang==0.17.0",
            "ziglang>=0.17.0",
            "ziglang>=0.17.0 is not at one version",
        ),
        (
            "tests/setup/node.txt",
            "--hash=sha256:",
            "--hash=md5:",
            "is not at one version and with its hashes",
        ),
        (
            "tests/requirements.txt",
            "aiohappyeyeballs==",
            "some==1.0\naiohappyeyeballs==",
            "some==1.0 is not at one version and with its hashes",
        ),
        ("tests/setup/emulate/package-lock.json", "\"integrity\"", "\"integrated\"", "has no hash"),
        (
            "tests/setup/emulate/package-lock.json",
            "\"integrity\"",
            "\"resolved\": \"https://example.org\", \"integrity\"",
            "names a registry",
        ),
        ("Cargo.lock", "checksum = ", "sum = ", "has no checksum"),
        ("rust-toolchain.toml", "channel = \"1", "channel = \"stable", "names no version of Rust"),
        ("tests/fuzz/README.md", " --version", " --vers", "not held against a hash"),
    ];
    for (path, before, after, finding) in cases {
        let mut files = files();
        let text = files.get_mut(path).unwrap();
        assert!(text.contains(before), "{path} no longer says {before}");
        *text = text.replacen(before, after, 1);
        let found = findings(&files);
        assert!(
            found.iter().any(|line| line.contains(finding)),
            "{path}: {before} -> {after}: {finding} was not found, but {found:?}"
        );
    }
}
