//! What is wrong with an installation, and how to mend it: the same findings for `calrelay doctor`
//! and for a running service.
//!
//! # Properties
//! * Looking changes nothing that anybody would notice: what is written for a try is a row that is
//!   not there being removed, and a lease that is given back. One thing is made where it is
//!   missing, as the first work would: the vault's root.
//! * Every look ends within [`PATIENCE`], whoever does not answer.
//! * A finding quotes no value of a setting (but the public address) and no event: it may be shown
//!   to whoever operates the service.

mod accounts;
mod clock;
mod push;
mod storage;
#[cfg(test)]
mod tests;
mod vault;
mod work;

pub use clock::finding as clock;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use crate::{Error, Result, Services};

/// Whoever does not answer within this time is out of reach. Long enough for storage to be tried
/// again several times, and to say why it failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `settings`, `vault`, `account:ID`…
    pub check: String,
    /// There is nothing to mend.
    pub ok: bool,
    /// What was found, in a sentence.
    pub message: String,
    /// How to mend it.
    pub fix: Option<String>,
}

impl Finding {
    /// Nothing to mend.
    pub fn good(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: true, message: message.into(), fix: None }
    }

    /// Something to mend, and how.
    pub fn bad(check: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: false, message: message.into(), fix: Some(fix.into()) }
    }

    /// From an error; what to do about it is said by the check, which knows where to look.
    pub fn from_error(check: &str, error: &Error, fix: &str) -> Self {
        Self::bad(check, sentence(error), fix)
    }
}

/// What the host knows of an installation before anybody is asked.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// What was found in the settings at the start.
    pub findings: Vec<Finding>,
    /// Storage is an account in Azure, and no file.
    pub azure_storage: bool,
    /// Where the wrapping key is.
    pub key: WrappingKey,
    /// Scheme and host under which providers reach this installation; `None` where they do not, and
    /// then they are not asked to call.
    pub public_url: Option<String>,
}

/// Where the wrapping key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrappingKey {
    /// In a file.
    #[default]
    File,
    /// In Azure Key Vault.
    KeyVault,
    /// In a file that is made with the first account.
    NotMade,
}

impl Setup {
    /// How to mend storage that cannot be used; `roles` is what an identity needs there.
    pub fn mend_storage(azure: bool, roles: &str) -> String {
        if azure {
            format!(
                "Check the account's name and that its firewall lets this machine in. The \
                identity needs {roles}; a role that was just given \
                 takes some minutes to work. On a machine of your own, sign in with `az login`."
            )
        } else {
            "See data_dir, and that the directory can be written to; if a file is damaged, \
            restore the directory from a backup."
                .into()
        }
    }
}

/// How much is asked of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChecks {
    /// Each is asked for its calendars, once.
    Asked,
    /// What their last passes left behind; their servers are not troubled.
    Remembered,
}

/// Looks at storage, vault, clock, accounts and the work that waits; what was found in the settings
/// is not repeated.
pub async fn findings(services: &Services, how: AccountChecks) -> Vec<Finding> {
    let accounts = async {
        match how {
            AccountChecks::Asked => accounts::asked(services).await,
            AccountChecks::Remembered => accounts::remembered(services).await,
        }
    };
    let (storage, vault, accounts, push, work) = futures::join!(
        storage::findings(services),
        vault::finding(services),
        accounts,
        push::findings(services),
        work::finding(services)
    );
    // Last, when somebody has answered whose clock ours can be held against.
    let clock = clock::finding(services.clock.now(), services.connect.server_time());
    storage
        .into_iter()
        .chain([vault])
        .chain(accounts)
        .chain(push)
        .chain(work)
        .chain([clock])
        .collect()
}

/// An answer, or that none came in time.
///
/// # Errors
/// The answer's own, or that none came within [`PATIENCE`].
pub async fn in_time<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || store::Error::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late().into()))
}

fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}
