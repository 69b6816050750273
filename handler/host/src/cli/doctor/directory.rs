//! Checks the data directory: that it exists, is readable by its owner only, and can be written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use jobs::Finding;

use crate::config::Config;

/// The free space that a sync may need.
const ROOM: usize = 1024 * 1024;

const CHECK: &str = "data_dir";

/// Checks the directory without opening a file in it.
pub fn findings(config: &Config) -> Vec<Finding> {
    let dir = &config.data_dir;
    let shown = dir.display();
    if !dir.exists() {
        return vec![creation(dir).unwrap_or_else(|| {
            Finding::good(
                CHECK,
                format!("{shown} does not exist yet; it is created with the first account."),
            )
        })];
    }
    if !dir.is_dir() {
        return vec![Finding::bad(
            CHECK,
            format!("{shown} is no directory."),
            "Point CALRELAY_DATA_DIR to a directory.",
        )];
    }
    let mut findings = permissions(dir);
    findings.extend(free_space(dir));
    if findings.is_empty() {
        findings.push(Finding::good(
            CHECK,
            format!("{shown} can be written to, has room, and its files are yours only."),
        ));
    }
    findings
}

/// Says why a directory that does not exist cannot be created, if so: creates another one beside the
/// first directory that is missing, and removes it.
fn creation(dir: &Path) -> Option<Finding> {
    // The parent of a relative path of one part is the empty path.
    let or_here = |path: &Path| match path.as_os_str().is_empty() {
        true => Path::new(".").to_owned(),
        false => path.to_owned(),
    };
    let mut parents = dir.ancestors().skip(1).map(or_here);
    let parent = parents.find(|path| path.symlink_metadata().is_ok())?;
    let probe = parent.join(format!("calrelay-doctor-{}.tmp", std::process::id()));
    let error = fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).err()?;
    Some(Finding::bad(
        CHECK,
        format!(
            "{} does not exist, and it cannot be created: {} takes no directory ({error}).",
            dir.display(),
            parent.display()
        ),
        "Point CALRELAY_DATA_DIR to a directory that the user of calrelay can create or write.",
    ))
}

/// Writes a file as large as a sync may need, syncs it, and removes it. That finds a full disk, a
/// quota and a read-only mount.
fn free_space(dir: &Path) -> Option<Finding> {
    let probe = dir.join(format!("doctor-{}.tmp", std::process::id()));
    let written = File::create_new(&probe)
        .and_then(|mut file| file.write_all(&vec![0; ROOM]).and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&probe);
    let error = written.and(removed).err()?;
    let fix = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free some space on this disk. What was stored before is safe."
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "Mount the disk for writing, or point CALRELAY_DATA_DIR to another one."
        }
        _ => "Make the directory writable for the user that calrelay runs as.",
    };
    Some(Finding::bad(
        CHECK,
        format!("A megabyte cannot be written to {} ({error}).", dir.display()),
        fix,
    ))
}

#[cfg(unix)]
fn permissions(dir: &Path) -> Vec<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| {
        fs::metadata(path).map(|metadata| metadata.permissions().mode()).unwrap_or_default()
    };
    let mut findings = Vec::new();
    if mode(dir) & 0o022 != 0 {
        findings.push(Finding::bad(
            CHECK,
            format!("Other users can put files into {}.", dir.display()),
            format!("chmod go-w {}", dir.display()),
        ));
    }
    let files = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file());
    for file in files.filter(|file| mode(file) & 0o077 != 0) {
        findings.push(Finding::bad(
            CHECK,
            format!("Other users can read {}.", file.display()),
            format!("chmod 600 {}", file.display()),
        ));
    }
    findings
}

#[cfg(not(unix))]
fn exposed(_dir: &Path) -> Vec<Finding> {
    Vec::new()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::config::LoadedSettings;

    fn config(dir: &Path) -> Config {
        let dir = ("CALRELAY_DATA_DIR".to_owned(), dir.display().to_string());
        LoadedSettings::from([dir], None).config.unwrap()
    }

    fn directory() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    fn file(dir: &Path, name: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_made() {
        let dir = directory();
        let missing = dir.path().join("data");
        let findings = findings(&config(&missing));
        assert!(findings.len() == 1 && findings[0].ok && !missing.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left of the check");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_a_finding() {
        let dir = directory();
        let mut impossible = vec![file(dir.path(), "file", 0o600).join("deep/data")];
        impossible.extend(cfg!(target_os = "linux").then(|| "/proc/x".into()));
        for dir in impossible {
            let findings = findings(&config(&dir));
            assert!(
                findings.len() == 1 && !findings[0].ok && findings[0].fix.is_some(),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn a_directory_of_ones_own_is_well_and_stays_as_it_was() {
        let dir = directory();
        file(dir.path(), "calrelay.db", 0o600);
        let findings = findings(&config(dir.path()));
        assert!(findings.len() == 1 && findings[0].ok, "{findings:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_can_read_or_write_is_named() {
        let dir = directory();
        let key = file(dir.path(), "key", 0o640);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let findings = findings(&config(dir.path()));
        assert_eq!(findings.len(), 2);
        assert!(findings.iter().all(|finding| !finding.ok));
        assert!(findings[1].message.contains(&key.display().to_string()));
    }

    #[test]
    fn a_file_in_its_place_is_a_finding() {
        let dir = directory();
        assert!(!findings(&config(&file(dir.path(), "data", 0o600)))[0].ok);
    }
}
