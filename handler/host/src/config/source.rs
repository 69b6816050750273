//! Finds `local.settings.json`: a file that only its owner can write, and never one in the current
//! directory.
//!
//! # Properties
//! * The file that `--settings` names is read, else the one in the data directory; under the
//!   Functions host the one in the directory of the app.
//! * No other user may be able to write the file: its content decides where passwords and tokens
//!   are sent.
//! * The URLs of providers are read only from a named file and from the environment. The settings
//!   of storage and of its key are not read from a file below the current directory.
//! * The file that is checked is the file that is read: one descriptor, opened once, of a plain
//!   file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::names::{FUNCTIONS_PORT, SETTINGS_FILE};
use super::{data_dir, local_settings};
use crate::ownership;

/// A settings file.
#[derive(Clone, Debug)]
pub struct SettingsSource {
    pub path: PathBuf,
    /// Whether `--settings` names it.
    pub named: bool,
    /// Whether it is in a data directory that no setting names, below the current directory.
    pub in_local_dir: bool,
    pub bytes: Vec<u8>,
}

impl SettingsSource {
    /// The values of the file; an error names it.
    pub fn values(&self) -> Result<BTreeMap<String, String>, String> {
        local_settings::values(&self.bytes, &self.path.display().to_string())
    }
}

/// Settings that are read only from a named file.
const ADDRESSES: [&str; 7] = [
    "GOOGLE_AUTH_URL",
    "GOOGLE_TOKEN_URL",
    "GOOGLE_REVOKE_URL",
    "GOOGLE_API_URL",
    "MICROSOFT_LOGIN_URL",
    "GRAPH_URL",
    "ICLOUD_CALDAV_URL",
];

/// Settings that are read only from a named file, or from a data directory that a setting names.
const STORAGE: [&str; 8] = [
    "CALRELAY_STORE",
    "CALRELAY_KEY_VAULT_KEY",
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
];

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Finds and reads the file; the error says why a file is not read.
pub fn find(
    environment: &BTreeMap<String, String>,
    named: Option<&Path>,
) -> Result<Option<SettingsSource>, String> {
    let get = |name: &str| {
        environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    };
    let is_of_the_app = get(FUNCTIONS_PORT).is_some();
    let dir = get("CALRELAY_DATA_DIR").map_or_else(|| data_dir::default(get), PathBuf::from);
    let path = match named {
        Some(path) => path.to_owned(),
        None if is_of_the_app => SETTINGS_FILE.into(),
        None => dir.join(SETTINGS_FILE),
    };
    let cannot = |error: io::Error| {
        format!(
            "{} cannot be read ({error}); make it readable, or name another file",
            path.display()
        )
    };
    let mut file = match open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(cannot(error)),
    };
    let about = file.metadata().map_err(cannot)?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(format!(
            "{} was not read, because it is no file of settings: a plain file of at most 1 MiB is",
            path.display()
        ));
    }
    if !is_of_the_app {
        ownership::check_trusted(&about).map_err(|why| {
            format!(
                "{} was not read, because {why}; a writer of this file decides where passwords \
                are sent",
                path.display()
            )
        })?;
    }
    let mut bytes = Vec::new();
    io::Read::by_ref(&mut file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    let here = named.is_none()
        && !is_of_the_app
        && dir == Path::new(data_dir::LOCAL_DIR)
        && get("CALRELAY_DATA_DIR").is_none();
    Ok(Some(SettingsSource { path, named: named.is_some(), in_local_dir: here, bytes }))
}

/// Opens a file of any kind without blocking: a pipe without a writer would block.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Removes settings that must not come from this file, and adds an error for each.
pub fn remove_untrusted(
    source: &SettingsSource,
    values: &mut BTreeMap<String, String>,
    wrong: &mut Vec<String>,
) {
    if source.named {
        return;
    }
    let storage: &[&str] = if source.in_local_dir { &STORAGE } else { &[] };
    for name in ADDRESSES.iter().chain(storage) {
        if values.remove(*name).is_some() {
            wrong.push(format!(
                "{name} is not taken from {}; set it in the environment, or name the file with \
                --settings",
                source.path.display()
            ));
        }
    }
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
        std::fs::write(dir.path().join(SETTINGS_FILE), "{}").unwrap();
        let found = find(&there, None).unwrap().unwrap();
        assert_eq!(
            (found.path, found.named, found.bytes),
            (dir.path().join(SETTINGS_FILE), false, b"{}".to_vec())
        );
        let other = dir.path().join("mine.json");
        assert!(
            find(&there, Some(&other)).unwrap_err().contains("cannot be read"),
            "what is named has to be there"
        );
        std::fs::write(&other, "[]").unwrap();
        let found = find(&there, Some(&other)).unwrap().unwrap();
        assert_eq!((found.path, found.named, found.bytes), (other, true, b"[]".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_write_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SETTINGS_FILE);
        std::fs::write(&path, "{}").unwrap();
        for (mode, is_read) in
            [(0o600, true), (0o644, true), (0o664, false), (0o646, false), (0o666, false)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = find(&values(&[]), Some(&path));
            assert_eq!(found.is_ok(), is_read, "{mode:o}: {found:?}");
            let at_the_host = find(
                &values(&[("FUNCTIONS_CUSTOMHANDLER_PORT", "7"), ("CALRELAY_DATA_DIR", "x")]),
                Some(&path),
            );
            assert!(at_the_host.is_ok(), "{mode:o}: there the app's files are the platform's");
        }
    }

    #[test]
    fn where_providers_are_is_taken_from_a_file_that_was_named() {
        let said = || {
            values(&[
                ("GOOGLE_TOKEN_URL", "https://evil.example"),
                ("GRAPH_URL", "x"),
                ("GOOGLE_CLIENT_ID", "id"),
            ])
        };
        for named in [false, true] {
            let source = SettingsSource {
                path: "data/local.settings.json".into(),
                named,
                in_local_dir: false,
                bytes: Vec::new(),
            };
            let (mut values, mut wrong) = (said(), Vec::new());
            remove_untrusted(&source, &mut values, &mut wrong);
            assert_eq!(
                (values.len(), wrong.len()),
                if named { (3, 0) } else { (1, 2) },
                "{wrong:?}"
            );
            assert!(!wrong.join(" ").contains("evil"), "values are not quoted");
        }
    }

    #[test]
    fn where_storage_is_is_not_taken_from_wherever_one_happens_to_be() {
        for (here, left) in [(true, 1), (false, 3)] {
            let source = SettingsSource {
                path: ".calrelay/local.settings.json".into(),
                named: false,
                in_local_dir: here,
                bytes: Vec::new(),
            };
            let mut wrong = Vec::new();
            let mut said = values(&[
                ("AzureWebJobsStorage", "x"),
                ("CALRELAY_STORE", "azure"),
                ("CALRELAY_POLL_SECONDS", "5"),
            ]);
            remove_untrusted(&source, &mut said, &mut wrong);
            assert_eq!((said.len(), wrong.len()), (left, 3 - left), "{wrong:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(find(&values(&[]), Some(&pipe)).unwrap_err().contains("no file of settings"));
        assert!(
            find(&values(&[]), Some(Path::new("/dev/zero")))
                .unwrap_err()
                .contains("no file of settings")
        );
        assert!(find(&values(&[]), Some(dir.path())).unwrap_err().contains("no file of settings"));
        let large = dir.path().join("large");
        std::fs::write(&large, vec![b' '; 1024 * 1024 + 1]).unwrap();
        assert!(find(&values(&[]), Some(&large)).unwrap_err().contains("1 MiB"));
    }
}
