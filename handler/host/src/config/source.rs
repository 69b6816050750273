//! Which `local.settings.json` is read: one that is its owner's alone, and in no case what lies in the directory that one happens to be in.
//!
//! # Properties
//! * The file that `--settings` names is read, else the one in the data directory; under the Functions host the one at the root of the app.
//! * No other user may be able to write it: a writer of settings decides where passwords and tokens are sent.
//! * Where providers are is taken only from a file that was named, and from the environment.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{DATA_DIR, FILE, PORT};

/// A file that was found.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// It was named for this call.
    pub named: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What is taken from a file only if it was named.
const ADDRESSES: [&str; 7] =
    ["GOOGLE_AUTH_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "GOOGLE_API_URL", "MICROSOFT_LOGIN_URL", "GRAPH_URL", "ICLOUD_CALDAV_URL"];

/// Finds and reads it; the words say what is wrong with one that is not to be read.
pub fn find(environment: &BTreeMap<String, String>, named: Option<&Path>) -> Result<Option<Source>, String> {
    let get = |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let is_of_the_app = get(PORT).is_some();
    let path = match named {
        Some(path) => path.to_owned(),
        None if is_of_the_app => FILE.into(),
        None => Path::new(get("CALRELAY_DATA_DIR").unwrap_or(DATA_DIR)).join(FILE),
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read ({error}); make it readable, or name another file", path.display())),
    };
    if !is_of_the_app {
        let allowed = std::fs::metadata(&path).map_err(|error| error.to_string()).and_then(|metadata| is_ones_own(&metadata));
        allowed.map_err(|why| {
            format!("{} was not read, because {why}; a writer of this file decides where passwords are sent", path.display())
        })?;
    }
    Ok(Some(Source { path, named: named.is_some(), bytes }))
}

/// Adds what a file says that may not say it.
pub fn refuse_addresses(source: &Source, values: &mut BTreeMap<String, String>, wrong: &mut Vec<String>) {
    if source.named {
        return;
    }
    for name in ADDRESSES {
        if values.remove(name).is_some() {
            wrong.push(format!(
                "{name} is not taken from {}; set it in the environment, or name the file with --settings",
                source.path.display()
            ));
        }
    }
}

#[cfg(unix)]
fn is_ones_own(metadata: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let owner = metadata.uid();
    if owner != rustix::process::geteuid().as_raw() && owner != 0 {
        return Err("it belongs to another user; make it your own".into());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("others may write it; `chmod go-w` mends that".into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn is_ones_own(_metadata: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_file_of_the_data_directory_is_read_and_one_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let there = values(&[("CALRELAY_DATA_DIR", dir.path().to_str().unwrap())]);
        assert!(find(&there, None).unwrap().is_none(), "there need not be one");
        std::fs::write(dir.path().join(FILE), "{}").unwrap();
        let found = find(&there, None).unwrap().unwrap();
        assert_eq!((found.path, found.named, found.bytes), (dir.path().join(FILE), false, b"{}".to_vec()));
        let other = dir.path().join("mine.json");
        assert!(find(&there, Some(&other)).unwrap_err().contains("cannot be read"), "what is named has to be there");
        std::fs::write(&other, "[]").unwrap();
        let found = find(&there, Some(&other)).unwrap().unwrap();
        assert_eq!((found.path, found.named, found.bytes), (other, true, b"[]".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_write_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        std::fs::write(&path, "{}").unwrap();
        for (mode, is_read) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false), (0o666, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = find(&values(&[]), Some(&path));
            assert_eq!(found.is_ok(), is_read, "{mode:o}: {found:?}");
            let at_the_host = find(&values(&[("FUNCTIONS_CUSTOMHANDLER_PORT", "7"), ("CALRELAY_DATA_DIR", "x")]), Some(&path));
            assert!(at_the_host.is_ok(), "{mode:o}: there the app's files are the platform's");
        }
    }

    #[test]
    fn where_providers_are_is_taken_from_a_file_that_was_named() {
        let said = || values(&[("GOOGLE_TOKEN_URL", "https://evil.example"), ("GRAPH_URL", "x"), ("GOOGLE_CLIENT_ID", "id")]);
        for named in [false, true] {
            let source = Source { path: "data/local.settings.json".into(), named, bytes: Vec::new() };
            let (mut values, mut wrong) = (said(), Vec::new());
            refuse_addresses(&source, &mut values, &mut wrong);
            assert_eq!((values.len(), wrong.len()), if named { (3, 0) } else { (1, 2) }, "{wrong:?}");
            assert!(!wrong.join(" ").contains("evil"), "values are not quoted");
        }
    }
}
