//! Where the data directory is when no setting names one: `./.calrelay` where it is there and one's
//! own, else the platform's place for data.

use std::path::{Path, PathBuf};

use super::PORT;

/// The data directory of the directory that one happens to be in.
pub const HERE: &str = "./.calrelay";

/// The default, by the environment. Under the Functions host the app's own directory counts.
pub fn default<'a>(get: impl Fn(&str) -> Option<&'a str>) -> PathBuf {
    if get(PORT).is_some() || is_ones_own(Path::new(HERE)) {
        return HERE.into();
    }
    of_the_platform(get).unwrap_or_else(|| HERE.into())
}

/// Why the data directory of the directory that one happens to be in is passed over, where it is
/// there.
pub fn passed_over() -> Option<String> {
    let here = Path::new(HERE);
    (here.is_dir() && !is_ones_own(here)).then(|| {
        format!(
            "{HERE} is not used as the data directory, because it is another user's, or others \
            can write to it; nothing in it was changed."
        )
    })
}

fn of_the_platform<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<PathBuf> {
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

/// A directory that another user has made here, or can write to, is passed over.
#[cfg(unix)]
fn is_ones_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let mine = |about: &std::fs::Metadata| {
        about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o022 == 0
    };
    std::fs::metadata(path).is_ok_and(|about| about.is_dir() && mine(&about))
}

#[cfg(not(unix))]
fn is_ones_own(path: &Path) -> bool {
    path.is_dir()
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
        assert_eq!(place(&[]), Path::new(HERE));
        assert_eq!(place(&[("HOME", "/home/anna"), (PORT, "7071")]), Path::new(HERE));
    }

    #[test]
    fn a_directory_that_others_can_write_is_nobodys() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o700, true), (0o755, true), (0o775, false), (0o777, false)] {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_ones_own(dir.path()), expected, "{mode:o}");
        }
        assert!(!is_ones_own(&dir.path().join("missing")));
    }
}
