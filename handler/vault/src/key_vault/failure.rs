//! What a failed call means: whether it is repeated, and the text for the operator.

use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::RawResponse;
use azure_core::http::headers::RETRY_AFTER;

/// The longest Retry-After that is obeyed, which limits the effect of a wrong header.
const MAX_PAUSE: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Wrap,
    Unwrap,
}

/// A failed call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CallFailure {
    /// The version did not wrap this data key.
    Damaged,
    /// A repetition would fail as well. The text says what to do.
    Refused(String),
    /// A repetition may succeed, after the time in Retry-After if there is one.
    Away { words: &'static str, after: Option<Duration> },
}

/// Interprets an error by its kind, status, code and Retry-After. Its text is ignored, since it may
/// quote anything.
pub(super) fn of(error: &azure_core::Error, operation: Operation) -> CallFailure {
    match error.kind() {
        ErrorKind::HttpResponse { status, error_code, raw_response } => {
            answered(u16::from(*status), error_code.as_deref(), raw_response.as_deref(), operation)
        }
        ErrorKind::Connection | ErrorKind::Io => {
            CallFailure::Away { words: "there was no connection to it, or it broke", after: None }
        }
        ErrorKind::Credential => refused(
            "the program could not sign in to Azure. In Azure, give it a managed identity \
            (AZURE_CLIENT_ID names a user-assigned one); on your \
             own machine, run `az login`",
        ),
        _ => unreadable(),
    }
}

/// An answer that did not come from Key Vault.
pub(super) fn unreadable() -> CallFailure {
    refused(
        "its answer was not one of Key Vault's. Check the proxies between this program and the \
        vault",
    )
}

fn answered(
    status: u16,
    code: Option<&str>,
    answer: Option<&RawResponse>,
    operation: Operation,
) -> CallFailure {
    let code = code.filter(|code| is_code(code));
    match (status, operation) {
        (429, _) => CallFailure::Away {
            words: "it is overloaded and asked for a pause",
            after: after(answer),
        },
        (408 | 500..=599, _) => {
            CallFailure::Away { words: "it is temporarily out of order", after: after(answer) }
        }
        // An answer of a proxy has no such code.
        (400, Operation::Unwrap) if code == Some("BadParameter") => CallFailure::Damaged,
        (401, _) => refused(
            "it does not accept the program's sign-in. Check that vault and identity belong to \
            the same Azure directory",
        ),
        (403, _) => refused(
            "it denies access. Give the program's identity the role \"Key Vault Crypto Service \
            Encryption User\" on the key (it takes some \
             minutes to work), and check that key and version are enabled, in their dates, and \
             reachable through the vault's firewall",
        ),
        (404, _) => refused(
            "it has no such key, or no longer the version that is needed. If it was deleted, \
            recover it: what it wrapped cannot be opened \
             without it. If CALRELAY_KEY_VAULT_KEY was changed to another key, change it back",
        ),
        (400, Operation::Wrap) => refused(
            "it does not wrap with this key. It must be an RSA key that may wrap and unwrap",
        ),
        _ => CallFailure::Refused(
            format!("it answered {status} {}", code.unwrap_or("without a reason"))
                .trim_end()
                .to_owned(),
        ),
    }
}

fn refused(words: &str) -> CallFailure {
    CallFailure::Refused(words.to_owned())
}

/// A code is a word of letters and digits; anything else is not repeated.
fn is_code(code: &str) -> bool {
    code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Retry-After in seconds, the form that Azure sends. A date is ignored.
fn after(answer: Option<&RawResponse>) -> Option<Duration> {
    let seconds: u64 = answer?.headers().get_optional_str(&RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}
