//! `infra/package.sh` lays what the Functions host can run, and refuses early what the host would
//! only mention in its log.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const HOST: &str = r#"{"version": "2.0", "customHandler": {"description": {"defaultExecutablePath": "calrelay"}}}"#;
const HTTP: &str = r#"{"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req"}, {"type": "http", "direction": "out", "name": "res"}]}"#;

/// A checkout with the script, a host.json and one function.
fn checkout() -> TempDir {
    let dir = TempDir::new().unwrap();
    put(
        &dir,
        "infra/package.sh",
        &std::fs::read_to_string(super::root().join("infra/package.sh")).unwrap(),
    );
    put(&dir, "host.json", HOST);
    put(&dir, "functions/health/function.json", HTTP);
    put(&dir, "functions/health/mod.rs", "// source");
    put(&dir, "functions/health/run.sh", "# the host would take this for the function's script");
    put(&dir, "functions/lib.rs", "// source");
    put(&dir, "built", "#!/bin/sh\n");
    dir
}

fn put(dir: &TempDir, path: &str, text: &str) {
    let path = dir.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn package(dir: &TempDir, arguments: &[&str]) -> Output {
    Command::new("bash")
        .arg(dir.path().join("infra/package.sh"))
        .args(arguments)
        .current_dir(dir.path())
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap()
}

fn refused(dir: &TempDir, words: &str) {
    let run = package(dir, &["--binary", "built"]);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{words} is not in: {said}");
    assert!(!dir.path().join("target/package").exists() && run.stdout.is_empty());
}

fn files(root: &Path) -> Vec<(String, u32)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, entry.metadata().unwrap().permissions().mode() & 0o777));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_package_holds_the_program_with_its_run_bit_and_the_triggers_alone() {
    let dir = checkout();
    let run = package(&dir, &["--binary", "built"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let wanted = [
        ("calrelay".to_owned(), 0o755),
        ("health/function.json".to_owned(), 0o644),
        ("host.json".to_owned(), 0o644),
    ];
    assert_eq!(files(&dir.path().join("target/package")), wanted);

    let zip = String::from_utf8(run.stdout).unwrap();
    let list = "import sys, zipfile\nfor e in zipfile.ZipFile(sys.argv[1]).infolist(): \
    print(e.filename, oct(e.external_attr >> 16 & 0o777))";
    let listed = Command::new("python3").args(["-c", list, zip.trim()]).output().unwrap();
    assert_eq!(
        String::from_utf8(listed.stdout).unwrap(),
        "calrelay 0o755\nhealth/function.json 0o644\nhost.json 0o644\n"
    );
}

/// The current package, unpacked from its zip as the host unpacks it, and read by the stand-in for
/// the host.
#[test]
fn what_is_packaged_of_this_repository_is_an_app_with_all_its_functions() {
    let dir = TempDir::new().unwrap();
    put(&dir, "built", "#!/bin/sh\n");
    let run = Command::new("bash")
        .arg(super::root().join("infra/package.sh"))
        .arg("--binary")
        .arg(dir.path().join("built"))
        .env("CARGO_TARGET_DIR", dir.path().join("target"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let unpack = "import sys, zipfile\nzipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    let zip = String::from_utf8(run.stdout).unwrap();
    let site = dir.path().join("site");
    assert!(
        Command::new("python3")
            .args(["-c", unpack, zip.trim()])
            .arg(&site)
            .status()
            .unwrap()
            .success()
    );
    let app = simulators::functions_host::App::read(&site).unwrap();
    let folders = std::fs::read_dir(super::root().join("functions")).unwrap().map(Result::unwrap);
    let mut named: Vec<_> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    named.sort();
    assert_eq!(
        app.functions.keys().cloned().collect::<Vec<_>>(),
        named,
        "a folder without a trigger would be left out in silence"
    );
}

#[test]
fn the_same_files_make_the_same_zip() {
    let dir = checkout();
    package(&dir, &["--binary", "built"]);
    let first = std::fs::read(dir.path().join("target/calrelay.zip")).unwrap();
    std::fs::File::open(dir.path().join("host.json"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    package(&dir, &["--binary", "built"]);
    assert_eq!(std::fs::read(dir.path().join("target/calrelay.zip")).unwrap(), first);
}

#[test]
fn what_the_host_could_not_run_is_refused() {
    let dir = checkout();
    std::fs::remove_file(dir.path().join("host.json")).unwrap();
    refused(&dir, "host.json is missing");
    put(&dir, "host.json", &HOST.replace("calrelay", "handler"));
    refused(&dir, "must name calrelay");
    put(&dir, "host.json", HOST);
    put(&dir, "functions/2nd/function.json", HTTP);
    refused(&dir, "functions/2nd/function.json: the host takes no function of this name");
    std::fs::remove_dir_all(dir.path().join("functions/2nd")).unwrap();
    put(&dir, "functions/health/function.json", r#"{"bindings": []}"#);
    refused(&dir, "bindings must be a list, and not empty");
    put(&dir, "functions/health/function.json", "{");
    refused(&dir, "functions/health/function.json is not JSON");
    std::fs::remove_dir_all(dir.path().join("functions/health")).unwrap();
    refused(&dir, "no folder with a function.json");
}

#[test]
fn a_program_that_is_too_large_is_refused_and_the_last_package_stays() {
    let dir = checkout();
    package(&dir, &["--binary", "built"]);
    let good = files(&dir.path().join("target/package"));
    let mut built = std::fs::File::create(dir.path().join("built")).unwrap();
    built.write_all(b"x").unwrap();
    built.set_len(20 * 1024 * 1024 + 1).unwrap();
    let run = package(&dir, &["--binary", "built"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("20971520 are allowed"));
    assert_eq!(files(&dir.path().join("target/package")), good);
}

#[test]
fn wrong_usage_is_said() {
    let dir = checkout();
    for arguments in [&["--binary"][..], &["--fast"], &["--native", "more"], &[""]] {
        assert_eq!(package(&dir, arguments).status.code(), Some(2), "{arguments:?}");
    }
}
