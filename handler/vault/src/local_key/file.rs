//! The key file: checked when it is read, replaced as a whole.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use crate::sealed::DataKey;
use crate::{Error, Result};

/// The name of the key file in the data directory.
pub const KEY_FILE: &str = "vault.key";

/// The first line.
const HEAD: &str = "calrelay vault key 1\n";

/// The largest key file: it holds thousands of versions.
const MAX_BYTES: u64 = 256 * 1024;

/// The content of the file.
pub(super) struct KeyFile {
    /// The root of the hash keys.
    pub(super) root: DataKey,
    /// Oldest first, never empty.
    pub(super) versions: Vec<(String, DataKey)>,
}

impl KeyFile {
    pub(super) fn newest(&self) -> &(String, DataKey) {
        self.versions.last().expect("a key file has a version")
    }

    fn to_text(&self) -> Zeroizing<String> {
        // Allocates room for everything at once: a string that grows would leave copies of keys in
        // memory.
        let mut text = Zeroizing::new(String::with_capacity(256 + 128 * self.versions.len()));
        let encode = |bytes: &[u8; 32]| Zeroizing::new(BASE64URL_NOPAD.encode(bytes));
        text.push_str(HEAD);
        let _ = writeln!(text, "root {}", *encode(&self.root));
        for (version, key) in &self.versions {
            let _ = writeln!(text, "key {version} {}", *encode(key));
        }
        let check = check(&text);
        let _ = writeln!(text, "check {check}");
        text
    }

    /// `None` for a text that [`KeyFile::to_text`] does not write.
    fn from_text(text: &str) -> Option<Self> {
        let at = text.rfind("check ")?;
        if text[at..].strip_prefix("check ")?.strip_suffix('\n')? != check(&text[..at]) {
            return None;
        }
        let mut lines = text[..at].strip_prefix(HEAD)?.lines();
        let root = decode(lines.next()?.strip_prefix("root ")?)?;
        let version = |line: &str| {
            let (version, key) = line.strip_prefix("key ")?.split_once(' ')?;
            Some((version.to_owned(), decode(key)?))
        };
        let versions = lines.map(version).collect::<Option<Vec<_>>>()?;
        (!versions.is_empty()).then_some(Self { root, versions })
    }
}

fn check(text: &str) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

fn decode(text: &str) -> Option<DataKey> {
    let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
    let mut key = DataKey::default();
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(key)
}

/// The keys of a directory; `None` if there is no key file.
pub(super) fn read(dir: &Path) -> Result<Option<KeyFile>> {
    let path = dir.join(KEY_FILE);
    let cannot = |e: io::Error| {
        Error::KeyFile(format!(
            "the key file {} cannot be read ({e}). Check who owns it",
            path.display()
        ))
    };
    // The type is checked before the file is opened: opening a pipe would block.
    match fs::metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && !is_link(&path) => return Ok(None),
        Err(e) => return Err(cannot(e)),
        Ok(found) if !found.is_file() => {
            return Err(Error::KeyFile(format!("{} is not a file; move it away", path.display())));
        }
        Ok(_) => (),
    }
    let mut file = File::open(&path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    refuse_shared(&path, &about)?;
    if about.len() > MAX_BYTES {
        return Err(damaged(&path));
    }
    let size = usize::try_from(about.len()).map_err(|_| damaged(&path))?;
    let mut bytes = Zeroizing::new(vec![0; size]);
    file.read_exact(&mut bytes).map_err(cannot)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged(&path))?;
    KeyFile::from_text(text).map(Some).ok_or_else(|| damaged(&path))
}

/// A dangling link means that the disk of the key is not mounted, not that there is no key.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn damaged(path: &Path) -> Error {
    Error::KeyFile(format!(
        "the key file {} is damaged or was not written by calrelay. It was left unchanged. \
        Replace it by a backup; without one, move it away and connect the accounts again",
        path.display()
    ))
}

#[cfg(unix)]
fn refuse_shared(path: &Path, about: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::KeyFile(format!(
        "others can read or change the key file {path} (its mode is {mode:04o}), so it was not \
        used. If no other user has read or changed it, run: chmod 600 {path}"
    )))
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _about: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// Creates a directory for its owner only; an existing one keeps its mode.
pub(super) fn make_directory(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| cannot_write(dir, &e))
}

/// The lock that is held while the key file is changed. It ends when it is dropped, or when its
/// process ends.
pub(super) fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("vault.lock");
    let file = owners_only()
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| cannot_write(&path, &e))?;
    file.lock().map_err(|e| cannot_write(&path, &e))?;
    Ok(file)
}

/// Replaces the key file. Only under the [`lock`].
pub(super) fn write(dir: &Path, keys: &KeyFile) -> Result<()> {
    let (path, new) = (dir.join(KEY_FILE), dir.join("vault.key.new"));
    let text = keys.to_text();
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::KeyFile(format!(
            "{} holds as many versions of the key as it can, so none was added and nothing was \
            changed. Unused versions are removed by a rotation that starts an hour or more after \
            the previous one: rotate the key again then",
            path.display()
        )));
    }
    let replace = || {
        // A killed process may have left this file.
        if let Err(e) = fs::remove_file(&new)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(e);
        }
        let mut file = owners_only().create_new(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        // The name must survive a power failure too: without the key, what is sealed next cannot be
        // opened.
        #[cfg(unix)]
        File::open(dir)?.sync_all()?;
        Ok(())
    };
    replace().map_err(|e| cannot_write(&path, &e))
}

fn owners_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::KeyFile(format!(
        "{} cannot be written ({error}), so no key was made or changed. Check who owns the data \
        directory and whether the disk is \
         full, or point CALRELAY_DATA_DIR to another one",
        path.display()
    ))
}
