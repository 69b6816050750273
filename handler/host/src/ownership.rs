//! The owner of a file, and the access of other users to it.

use std::fs::{Metadata, OpenOptions};

/// Whether this user owns the file.
#[cfg(unix)]
fn is_own(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn has_mode(file: &Metadata, bits: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.mode() & bits != 0
}

/// Whether this user owns the file, and no other user can write it.
#[cfg(unix)]
pub fn is_written_by_owner_only(file: &Metadata) -> bool {
    is_own(file) && !has_mode(file, 0o022)
}

/// Whether this user owns the file, and no other user has access to it.
#[cfg(unix)]
pub fn is_private(file: &Metadata) -> bool {
    is_own(file) && !has_mode(file, 0o077)
}

/// Checks that only this user or the superuser can write the file.
///
/// # Errors
/// Why another user can, and how to change that.
#[cfg(unix)]
pub fn check_trusted(file: &Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt as _;
    if !is_own(file) && file.uid() != 0 {
        return Err("it belongs to another user; make it your own");
    }
    if has_mode(file, 0o022) {
        return Err("others may write it; `chmod go-w` mends that");
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn is_written_by_owner_only(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub fn is_private(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub fn check_trusted(_: &Metadata) -> Result<(), &'static str> {
    Ok(())
}

/// Options to create a file that only this user can read and write.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
