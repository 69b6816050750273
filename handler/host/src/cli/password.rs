//! Reads a password: from the terminal without echo, or from the first line of stdin. Never from an
//! argument.

use std::io::BufRead;

use records::problem::Problem;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::outcome::Result;

/// The longest password, in bytes.
const LONGEST: u64 = 4096;

/// Reads a password.
///
/// # Errors
/// If it is empty, too long, not UTF-8, or there is no terminal.
pub fn read(from_stdin: bool, question: &str) -> Result<SecretString> {
    if from_stdin { first_line_of_stdin("password") } else { non_empty("password", ask(question)?) }
}

/// Reads the first line of stdin: a password or another secret, which `what` names.
///
/// # Errors
/// As [`read`].
pub fn first_line_of_stdin(what: &str) -> Result<SecretString> {
    non_empty(what, first_line(std::io::stdin().lock(), what)?)
}

fn non_empty(what: &str, secret: SecretString) -> Result<SecretString> {
    if secret.expose_secret().is_empty() {
        return refuse(&format!("The {what} is empty. Nothing was sent and nothing was stored."));
    }
    Ok(secret)
}

fn ask(question: &str) -> Result<SecretString> {
    match rpassword::prompt_password(format!("{question}: ")) {
        Ok(password) => Ok(password.into()),
        Err(_) => refuse(
            "The password cannot be asked for, as there is no terminal. Nothing was sent and \
            nothing was stored. Give it on stdin with --password-stdin.",
        ),
    }
}

fn first_line(input: impl BufRead, what: &str) -> Result<SecretString> {
    // Allocated at full size: a buffer that grows leaves copies in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 2));
    if input.take(LONGEST + 2).read_until(b'\n', &mut line).is_err() {
        return refuse(&format!(
            "The {what} could not be read from stdin. Nothing was sent and nothing was stored."
        ));
    }
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() as u64 > LONGEST {
        return refuse(&format!(
            "The {what} on stdin is longer than 4096 bytes. Nothing was sent and nothing was \
            stored."
        ));
    }
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned().into()),
        Err(_) => refuse(&format!(
            "The {what} on stdin is not UTF-8 text. Nothing was sent and nothing was stored."
        )),
    }
}

fn refuse<T>(words: &str) -> Result<T> {
    Err(Problem { code: "credentials".into(), message: words.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(input: &[u8]) -> Option<String> {
        first_line(input, "password").ok().map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_is_taken_without_its_end() {
        assert_eq!(line(b"open sesame\nmore\n").as_deref(), Some("open sesame"));
        assert_eq!(line(b"open sesame\r\n").as_deref(), Some("open sesame"));
        assert_eq!(line(b" spaces count ").as_deref(), Some(" spaces count "));
        assert_eq!(line(b"").as_deref(), Some(""));
    }

    #[test]
    fn what_cannot_be_a_password_is_refused() {
        assert_eq!(line(&[0xff, b'\n']), None);
        assert_eq!(line(&[b'x'; 4097]), None);
        assert_eq!(line(&vec![b'x'; 10_000_000]), None);
        assert!(line(&[b'x'; 4096]).is_some());
    }
}
