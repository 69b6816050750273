//! Failed requests, and the errors that they become.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;

use super::answer::HttpAnswer;
use super::guard;
use super::request::RetryPolicy;
use crate::Error;

/// What a person can do about a server that does not answer in TLS.
const NO_TLS: &str = "; it does not seem to speak https. The address of a server on this machine \
or in a private network that speaks http begins with http://, and is used where \
CALRELAY_ALLOW_PRIVATE_HOSTS is true";

/// A failed attempt.
pub(super) struct Failed {
    pub(super) error: Error,
    /// The answer, if the caller may read it after the last try.
    pub(super) answer: Option<Box<HttpAnswer>>,
    pub(super) again: bool,
    pub(super) wait: Option<Duration>,
}

impl Failed {
    pub(super) fn finally(error: Error) -> Self {
        Self { error, answer: None, again: false, wait: None }
    }

    pub(super) fn connection(error: &reqwest::Error, host: &str, retry: RetryPolicy) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(forbidden) = inner.downcast_ref::<guard::Forbidden>() {
                return Self::finally(forbidden.error());
            }
            cause = inner.source();
        }
        let what =
            if error.is_connect() { "cannot be reached" } else { "broke off the connection" };
        let cause = innermost(error);
        // The text of rustls where an answer does not begin as TLS does.
        let hint = if cause.contains("InvalidContentType") { NO_TLS } else { "" };
        Self {
            error: Error::NoAnswer(format!("{host} {what} ({cause}){hint}")),
            answer: None,
            again: !error.is_timeout() && (error.is_connect() || retry != RetryPolicy::Write),
            wait: None,
        }
    }
}

/// The text of the innermost cause. The text of `reqwest` would repeat the address with its path.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = String::from("no cause given");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

/// The error for a status, where the caller has no better one.
pub(crate) fn refusal(status: StatusCode, host: &str) -> Error {
    match status.as_u16() {
        401 => Error::Unauthorized,
        403 => Error::Forbidden(format!("{host} answered 403")),
        407 => Error::Unreachable("a proxy asks for a password".into()),
        413 => Error::Refused("it is larger than the server takes".into()),
        415 => Error::Refused("the server does not take this kind of data".into()),
        429 => Error::RateLimited { retry_after: None },
        507 => Error::Refused("the server has no room left for it".into()),
        502..=504 => Error::NoAnswer(format!("{host} answered {}", status.as_u16())),
        408 | 423 | 425 | 500..=599 => {
            Error::Unreachable(format!("{host} answered {}", status.as_u16()))
        }
        code => Error::BadAnswer(format!("{host} answered {code}")),
    }
}
