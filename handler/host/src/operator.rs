//! The operator's token: a request with the content of a file that only the service's user can read
//! comes from the operator.
//!
//! Behind a proxy, requests of the machine's user cannot be distinguished from other requests. The
//! file is in the data directory, readable by its owner only. It is created again if it is missing
//! or damaged, or if others could read it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use axum::http::{HeaderMap, header};
use jobs::Token;

use crate::ownership;

/// The name of the file in the data directory.
pub const FILE: &str = "operator.token";

/// The hash of the operator's token.
#[derive(Debug)]
pub struct OperatorToken {
    hash: String,
}

impl OperatorToken {
    /// Reads the token of a data directory, or creates one if there is no valid one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn load_or_create(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        if let Some(token) = read(&path) {
            return Ok(Self { hash: token.hash() });
        }
        let token = Token::random().map_err(io::Error::other)?;
        let new = dir.join(format!("{FILE}.{}", &token.hash()[..8]));
        let mut file = ownership::private_file().create_new(true).open(&new)?;
        let placed = writeln!(file, "{}", token.expose()).and_then(|()| publish(&new, &path));
        let _ = fs::remove_file(&new);
        placed?;
        // Two services that start at once both use the file that was created first.
        Ok(Self { hash: read(&path).unwrap_or(token).hash() })
    }

    /// Whether a request has the token (RFC 6750 section 2.1); `None` if it has no token.
    pub fn is_shown_in(&self, headers: &HeaderMap) -> Option<bool> {
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let text = shown.next()?.to_str().unwrap_or_default();
        let token = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        Some(
            shown.next().is_none()
                && token.and_then(Token::parse).is_some_and(|token| token.has_hash(&self.hash)),
        )
    }
}

/// Moves a file to its final name, unless another process has created a valid one there in the
/// meantime.
fn publish(new: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(new, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && read(path).is_some() => {
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Ok(()) => Ok(()),
        // The existing file is invalid, or the file system has no hard links.
        Err(_) => fs::rename(new, path),
    }
}

fn read(path: &Path) -> Option<Token> {
    fs::symlink_metadata(path)
        .ok()
        .filter(|about| about.is_file() && ownership::is_private(about) && about.len() < 100)?;
    Token::parse(fs::read_to_string(path).ok()?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(operator: &OperatorToken, values: &[&str]) -> Option<bool> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        operator.is_shown_in(&headers)
    }

    #[test]
    fn a_request_with_the_token_is_the_operators() {
        let dir = tempfile::tempdir().unwrap();
        let operator = OperatorToken::load_or_create(dir.path()).unwrap();
        let token = fs::read_to_string(dir.path().join(FILE)).unwrap();
        let token = token.trim();
        let [bearer, lower] = ["Bearer", "bearer"].map(|scheme| format!("{scheme} {token}"));
        assert_eq!(
            (shown(&operator, &[&bearer]), shown(&operator, &[&lower])),
            (Some(true), Some(true))
        );
        assert_eq!(shown(&operator, &[]), None);
        let cut = format!("Bearer {}", &token[1..]);
        for wrong in [&["Basic YTpi"][..], &[&cut], &["Bearer"], &[&bearer, &bearer], &[token]] {
            assert_eq!(shown(&operator, wrong), Some(false), "{wrong:?}");
        }
        assert_eq!(
            shown(&OperatorToken::load_or_create(dir.path()).unwrap(), &[&bearer]),
            Some(true),
            "the token does not change"
        );
        assert!(!format!("{operator:?}").contains(token));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn services_that_start_at_once_share_one_token() {
        let dir = tempfile::tempdir().unwrap();
        let all: Vec<OperatorToken> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| OperatorToken::load_or_create(dir.path()).unwrap()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let bearer =
            format!("Bearer {}", fs::read_to_string(dir.path().join(FILE)).unwrap().trim());
        assert!(all.iter().all(|operator| shown(operator, &[&bearer]) == Some(true)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_could_read_is_replaced() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        OperatorToken::load_or_create(dir.path()).unwrap();
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let operator = OperatorToken::load_or_create(dir.path()).unwrap();
        assert_eq!(shown(&operator, &[&format!("Bearer {}", first.trim())]), Some(false));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "damaged").unwrap();
        assert_ne!(OperatorToken::load_or_create(dir.path()).unwrap().hash, operator.hash);
    }
}
