//! The key file: created once, readable by its owner only, never replaced without an error.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::{SealContext, Vault};

const PLACE: SealContext<'_> = SealContext { table: "secrets", partition: "local", row: "a1" };

const SECRET: &str = "abcd-efgh-ijkl-mnop";

fn secret() -> SecretString {
    SECRET.into()
}

/// The text of the error.
fn refused(dir: &Path) -> String {
    match Envelope::local(dir) {
        Err(Error::KeyFile(why)) => why,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn it_is_made_on_first_use_and_stays() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("deeper/data");
    assert!(!LocalKey::exists(&dir));
    let vault = Envelope::local(&dir).unwrap();
    assert!(LocalKey::exists(&dir));
    let sealed = vault.seal(PLACE, &secret()).await.unwrap();
    let hash_key = vault.hash_key("marks").await.unwrap();
    let again = Envelope::local(&dir).unwrap();
    assert_eq!(again.open(PLACE, &sealed).await.unwrap().expose_secret(), SECRET);
    assert_eq!(again.hash_key("marks").await.unwrap(), hash_key);
    let other = Envelope::local(&root.path().join("other")).unwrap();
    assert!(matches!(other.open(PLACE, &sealed).await, Err(Error::CannotOpen)));
    assert_ne!(other.hash_key("marks").await.unwrap(), hash_key);
}

/// A key file and a secret of version 1, made by another implementation (Python's `cryptography`)
/// from the description in the module heads. Both must always open: these texts never change.
const VERSION_1: &str = "calrelay vault key 1
root AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8
key aaaaaaaa ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8
key bbbbbbbb QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8
check SWEXg8Ldy7HStdVTr6wj4ZrwWwddfbVbd1fMJZhFKSw
";

const SEALED_1: &str = "v1.aaaaaaaa.AQEBAQEBAQEBAQEBAEXPB3i17zLLUMbwXo8Iu9pRbUiRe8tvDwRrwnmBpHv32AjXlNk_TfdIHYGXUUeW.\
    AgICAgICAgICAgICtNnA9nSPoY1rDG0wiZhIBXWCue7oGt8DrY5GSH43WX8Sg94";

#[tokio::test]
async fn what_version_1_sealed_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(KEY_FILE), VERSION_1).unwrap();
    #[cfg(unix)]
    set_mode(&dir.path().join(KEY_FILE), 0o600);
    let vault = Envelope::local(dir.path()).unwrap();
    assert_eq!(vault.wrapping_key().current().await.unwrap(), "bbbbbbbb", "the last one wraps");
    assert_eq!(vault.open(PLACE, SEALED_1).await.unwrap().expose_secret(), SECRET);
    let anew = vault.reseal(PLACE, SEALED_1).await.unwrap().unwrap();
    assert_eq!(vault.open(PLACE, &anew).await.unwrap().expose_secret(), SECRET);
    let hash_key = vault.hash_key("marks").await.unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&hash_key[..8]), "693b95615f4e7965");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    LocalKey::open(&dir).unwrap().rotate().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 2, "the key and its lock: {names:?}");
    for path in names {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_is_refused_when_others_can_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_FILE);
    let vault = Envelope::local(dir.path()).unwrap();
    let before = fs::read(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o777, 0o610] {
        set_mode(&path, mode);
        let why = refused(dir.path());
        assert!(
            why.contains(&format!("chmod 600 {}", path.display()))
                && why.contains(&format!("{mode:04o}")),
            "{why}"
        );
        assert!(
            matches!(vault.seal(PLACE, &secret()).await, Err(Error::KeyFile(_))),
            "also while the program runs"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before, "it is left as it is");
    for mode in [0o600, 0o400] {
        set_mode(&path, mode);
        Envelope::local(dir.path()).unwrap();
    }
}

#[test]
fn a_damaged_file_is_refused_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_FILE);
    LocalKey::open(dir.path()).unwrap().rotate().unwrap();
    let whole = fs::read(&path).unwrap();
    let mut bad: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        bad.push(changed);
    }
    bad.push(vec![0xff; 100]);
    bad.push([&whole[..], b"\n"].concat());
    bad.push([&whole[..], &whole[..]].concat());
    bad.push(vec![b'x'; 300_000]);
    for text in bad {
        fs::write(&path, &text).unwrap();
        let why = refused(dir.path());
        assert!(why.contains("damaged") && why.contains("connect the accounts again"), "{why}");
        assert_eq!(fs::read(&path).unwrap(), text, "the file can still be rescued");
    }
    // A whole line removed, with a correct check line.
    let text = String::from_utf8(whole.clone()).unwrap();
    fs::write(
        &path,
        text.lines()
            .filter(|line| !line.starts_with("key "))
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )
    .unwrap();
    refused(dir.path());
    fs::write(&path, whole).unwrap();
    Envelope::local(dir.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_FILE);
    fs::create_dir(&path).unwrap();
    assert!(refused(dir.path()).contains("is not a file"));
    fs::remove_dir(&path).unwrap();
    // Opening a pipe would block.
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refused(dir.path()).contains("is not a file"));
    fs::remove_file(&path).unwrap();
    // A key on a disk that is not mounted is not replaced.
    std::os::unix::fs::symlink(dir.path().join("away/vault.key"), &path).unwrap();
    assert!(refused(dir.path()).contains("cannot be read"));
    assert!(LocalKey::exists(dir.path()));
}

#[tokio::test]
async fn a_key_that_was_taken_away_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Envelope::local(dir.path()).unwrap();
    let path = dir.path().join(KEY_FILE);
    let sealed = vault.seal(PLACE, &secret()).await.unwrap();
    let away = dir.path().join("away");
    fs::rename(&path, &away).unwrap();
    for outcome in [
        vault.seal(PLACE, &secret()).await.err(),
        vault.open(PLACE, &sealed).await.err(),
        vault.wrapping_key().rotate().err(),
    ] {
        assert!(matches!(outcome, Some(Error::KeyFile(why)) if why.contains("put it back")));
    }
    assert!(!path.exists(), "no other is made in its place");
    fs::rename(&away, &path).unwrap();
    assert_eq!(vault.open(PLACE, &sealed).await.unwrap().expose_secret(), SECRET);
}

#[tokio::test]
async fn rotation_adds_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, running) =
        (Envelope::local(dir.path()).unwrap(), Envelope::local(dir.path()).unwrap());
    let old = vault.seal(PLACE, &secret()).await.unwrap();
    let hash_key = vault.hash_key("marks").await.unwrap();
    assert_eq!(vault.reseal(PLACE, &old).await.unwrap(), None);
    let version = vault.wrapping_key().rotate().unwrap();
    assert_eq!(vault.wrapping_key().current().await.unwrap(), version);
    assert!(!old.contains(&version));
    let new = vault.reseal(PLACE, &old).await.unwrap().expect("there is a newer version");
    assert!(new.contains(&version));
    for vault in [&vault, &running, &Envelope::local(dir.path()).unwrap()] {
        for sealed in [&old, &new] {
            assert_eq!(
                vault.open(PLACE, sealed).await.unwrap().expose_secret(),
                SECRET,
                "old and new, also in a process that was running"
            );
        }
        assert!(vault.seal(PLACE, &secret()).await.unwrap().contains(&version));
        assert_eq!(vault.hash_key("marks").await.unwrap(), hash_key, "the hash keys do not rotate");
    }
    assert_ne!(vault.wrapping_key().rotate().unwrap(), version);
    assert_eq!(vault.open(PLACE, &old).await.unwrap().expose_secret(), SECRET);
}

fn names(local: &LocalKey) -> Vec<String> {
    local.keys().unwrap().versions.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn an_unneeded_version_is_retired_but_never_the_last_two() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Envelope::local(dir.path()).unwrap();
    let sealed = vault.seal(PLACE, &secret()).await.unwrap();
    let first = crate::version_of(&sealed).unwrap();
    let hash_key = vault.hash_key("marks").await.unwrap();
    let all: Vec<String> = [first.clone()]
        .into_iter()
        .chain((0..3).map(|_| vault.wrapping_key().rotate().unwrap()))
        .collect();
    let needed = BTreeSet::from([first.clone(), "of another key".to_owned()]);
    assert_eq!(Vault::retire(&vault, &needed).await.unwrap(), 1);
    assert_eq!(
        names(vault.wrapping_key()),
        [&*all[0], &*all[2], &*all[3]],
        "what is sealed with the first needs it still"
    );
    assert_eq!(vault.open(PLACE, &sealed).await.unwrap().expose_secret(), SECRET);
    let before = fs::read(dir.path().join(KEY_FILE)).unwrap();
    assert_eq!(vault.retire(&needed).await.unwrap(), 0);
    assert_eq!(
        fs::read(dir.path().join(KEY_FILE)).unwrap(),
        before,
        "nothing to do, and nothing written"
    );
    let anew = vault.reseal(PLACE, &sealed).await.unwrap().unwrap();
    for _ in 0..2 {
        vault.retire(&BTreeSet::new()).await.unwrap();
        assert_eq!(names(vault.wrapping_key()), all[2..]);
    }
    assert!(matches!(vault.open(PLACE, &sealed).await, Err(Error::CannotOpen)));
    assert_eq!(vault.open(PLACE, &anew).await.unwrap().expose_secret(), SECRET);
    assert_eq!(vault.hash_key("marks").await.unwrap(), hash_key, "the root never goes");
}

/// A data key that one version wrapped is not accepted as another version's.
#[tokio::test]
async fn versions_are_not_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    let local = LocalKey::open(dir.path()).unwrap();
    let wrapped = local.wrap(&[1; 32]).await.unwrap();
    assert_eq!(*local.unwrap(&wrapped).await.unwrap(), [1; 32]);
    let version = local.rotate().unwrap();
    let moved = Wrapped { version, ..wrapped.clone() };
    assert!(matches!(local.unwrap(&moved).await, Err(Error::CannotOpen)));
    let unknown = Wrapped { version: "unknown".into(), ..wrapped };
    assert!(matches!(local.unwrap(&unknown).await, Err(Error::CannotOpen)));
}

#[test]
fn files_of_a_killed_process_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("vault.key.new"), "half of a k").unwrap();
    let local = LocalKey::open(dir.path()).unwrap();
    fs::write(dir.path().join("vault.key.new"), "half of a k").unwrap();
    local.rotate().unwrap();
    assert!(!dir.path().join("vault.key.new").exists());
}

#[test]
fn many_at_once_make_one_key_and_lose_no_rotation() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let (path, start) = (dir.path().join("data"), Arc::new(Barrier::new(8)));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (path, start) = (path.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let local = LocalKey::open(&path).unwrap();
                    (local.root().unwrap(), local.rotate().unwrap())
                })
            })
            .collect();
        let made: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let keys = LocalKey { dir: path }.keys().unwrap();
        assert_eq!(keys.versions.len(), 9, "the first and eight rotations");
        for (root, version) in made {
            assert!(root.0 == keys.root, "all see one root");
            assert!(keys.versions.iter().any(|(name, _)| *name == version));
        }
    }
}

/// Several processes: this test binary again, running the ignored test below.
#[test]
fn processes_make_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let others: Vec<_> = (0..6)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "local_key::tests::makes_a_key_in_the_working_directory",
                    "--ignored",
                ])
                .current_dir(dir.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut other in others {
        assert!(other.wait().unwrap().success());
    }
    let roots: std::collections::BTreeSet<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seen"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert_eq!(roots.len(), 1, "all processes saw one root");
    assert_eq!(LocalKey { dir: data }.keys().unwrap().versions.len(), 1);
}

#[test]
#[ignore = "run by another test, as a process of its own, in a directory of its own"]
fn makes_a_key_in_the_working_directory() {
    if std::path::Path::new("Cargo.toml").exists() {
        return;
    }
    let root = LocalKey::open(Path::new("data")).unwrap().root().unwrap();
    fs::write(format!("{}.seen", std::process::id()), &root.0[..]).unwrap();
}

#[tokio::test]
async fn no_secret_can_be_seen() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Envelope::local(dir.path()).unwrap();
    let sealed = vault.seal(PLACE, &secret()).await.unwrap();
    let keys = vault.wrapping_key().keys().unwrap();
    let key = BASE64URL_NOPAD.encode(&keys.newest().1[..]);
    let root = BASE64URL_NOPAD.encode(&keys.root[..]);
    assert!(
        fs::read_to_string(dir.path().join(KEY_FILE)).unwrap().contains(&key),
        "this is how a key would look"
    );
    set_check(dir.path(), "AAAA");
    let said = format!(
        "{sealed} {vault:?} {:?} {:?} {}",
        vault.wrapping_key(),
        Envelope::local(dir.path()),
        refused(dir.path())
    );
    for hidden in [SECRET, key.as_str(), root.as_str()] {
        assert!(!said.contains(hidden));
    }
    for entry in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
    }
}

/// Damages the check line.
fn set_check(dir: &Path, check: &str) {
    let path = dir.join(KEY_FILE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{}check {check}\n", &text[..text.rfind("check ").unwrap()])).unwrap();
}
