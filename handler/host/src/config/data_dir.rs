//! The data directory if no setting names one: `./.calrelay` if it exists and belongs to this user,
//! else the platform's directory for data.

use std::path::{Path, PathBuf};

use super::names::FUNCTIONS_PORT;
use crate::ownership;

/// The data directory in the current directory.
pub const LOCAL_DIR: &str = "./.calrelay";

/// The default for this environment. Under the Functions host it is in the directory of the app.
pub fn default<'a>(get: impl Fn(&str) -> Option<&'a str>) -> PathBuf {
    if get(FUNCTIONS_PORT).is_some() || is_own_directory(Path::new(LOCAL_DIR)) {
        return LOCAL_DIR.into();
    }
    platform_dir(get).unwrap_or_else(|| LOCAL_DIR.into())
}

/// Why the data directory in the current directory is not used, if it exists.
pub fn skipped_reason() -> Option<String> {
    let here = Path::new(LOCAL_DIR);
    (here.is_dir() && !is_own_directory(here)).then(|| {
        format!(
            "{LOCAL_DIR} is not used as the data directory, because it is another user's, or \
            others can write to it; nothing in it was changed."
        )
    })
}

fn platform_dir<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<PathBuf> {
    let absolute = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        absolute("HOME")?.join("Library/Application Support")
    } else {
        // https://specifications.freedesktop.org/basedir-spec/latest/
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?
    };
    Some(base.join("calrelay"))
}

/// Whether this is a directory that no other user has made or can write to.
fn is_own_directory(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_dir() && ownership::is_written_by_owner_only(&found))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_place_is_the_default() {
        let place = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            default(|name| {
                pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
            })
        };
        assert_eq!(place(&[("HOME", "/home/anna")]), Path::new("/home/anna/.local/share/calrelay"));
        assert_eq!(
            place(&[("HOME", "/home/anna"), ("XDG_DATA_HOME", "/data")]),
            Path::new("/data/calrelay")
        );
        assert_eq!(
            place(&[("HOME", "/home/anna"), ("XDG_DATA_HOME", "data")]),
            Path::new("/home/anna/.local/share/calrelay")
        );
        assert_eq!(place(&[]), Path::new(LOCAL_DIR));
        assert_eq!(
            place(&[("HOME", "/home/anna"), (FUNCTIONS_PORT, "7071")]),
            Path::new(LOCAL_DIR)
        );
    }

    #[test]
    fn a_directory_that_others_can_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o700, true), (0o755, true), (0o775, false), (0o777, false)] {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_own_directory(dir.path()), expected, "{mode:o}");
        }
        assert!(!is_own_directory(&dir.path().join("missing")));
    }
}
