//! Checks of the accounts: whether each answers and accepts its credentials.

use engine::provider::ProviderKind;
use records::account::{Account, AccountStatus};

use super::time_limit::{failed_check, sentence, with_timeout};
use crate::accounts::list_calendars::CalendarsFound;
use crate::report::AccountState;
use crate::setup::Finding;
use crate::{Error, Result, Scope, accounts};

const CHECK: &str = "accounts";

/// The number of stored problems that are named; further ones are counted.
const MAX_NAMED: usize = 50;

/// Lists the calendars of each account, all accounts at once. Each provider has its own time limit.
pub async fn check_live(scope: &Scope) -> Vec<Finding> {
    or_failure(ask_providers(scope).await)
}

/// Reads the stored status of the accounts.
pub async fn check_stored(scope: &Scope) -> Vec<Finding> {
    or_failure(with_timeout(read_stored(scope)).await)
}

fn or_failure(found: Result<Vec<Finding>>) -> Vec<Finding> {
    found.unwrap_or_else(|error| vec![failed_check(CHECK, &error, "See storage and vault.")])
}

async fn ask_providers(scope: &Scope) -> Result<Vec<Finding>> {
    let accounts = scope.directory().accounts().await?;
    if accounts.is_empty() {
        return Ok(vec![no_accounts()]);
    }
    let CalendarsFound { calendars, failures } = accounts::calendars(scope, None).await?;
    // A client that its provider refuses is one finding, and none for each of its accounts.
    let refused = scope.connect.refused_clients();
    let is_refused = |account: &Account| {
        failures.iter().any(|(failed, error)| {
            let is_said = |said: &String| {
                matches!(error, Error::Provider(providers::Error::Misconfigured(words)) if words == said)
            };
            *failed == account.id
                && refused.iter().any(|(kind, said)| *kind == account.kind && is_said(said))
        })
    };
    let one = |account: &Account| {
        let (id, name) = (&account.id, &account.name);
        let check = format!("account:{id}");
        match failures.iter().find(|(failed, _)| failed == id) {
            Some((_, error)) => Finding::bad(
                &check,
                format!("{name}: {}", sentence(error)),
                fix(error, account.kind),
            ),
            None => {
                let count = calendars.iter().filter(|calendar| calendar.account == *id).count();
                Finding::good(&check, format!("{name} answers; calendars: {count}."))
            }
        }
    };
    Ok(accounts.iter().filter(|account| !is_refused(account)).map(one).collect())
}

/// Names no user: the operator of a service for other people need not know them.
async fn read_stored(scope: &Scope) -> Result<Vec<Finding>> {
    let accounts = scope.directory().accounts().await?;
    if accounts.is_empty() {
        return Ok(vec![no_accounts()]);
    }
    let now = scope.clock.now();
    let shown = accounts.iter().map(|account| AccountState::of(account, now));
    let ill: Vec<_> = shown.filter(|account| account.state != AccountStatus::Ok.as_str()).collect();
    let well = accounts.len() - ill.len();
    let mut findings = vec![Finding::good(
        CHECK,
        format!("{well} of {} answered their last request.", accounts.len()),
    )];
    findings.extend(ill.iter().take(MAX_NAMED).map(|account| {
        let code = account.error.as_ref().map_or("unknown", |problem| problem.code.as_str());
        let message = format!(
            "The account could not be used at its last request ({}, {code}).",
            account.state
        );
        Finding::bad(
            &format!("account:{}", account.id),
            message,
            match account.state == AccountStatus::NeedsReconnect.as_str() {
                true => "Its owner has to connect it again; its pairs stay.",
                false => {
                    "A running calrelay asks it again. If the problem stays, check that its \
                    server can be reached from here."
                }
            },
        )
    }));
    if ill.len() > MAX_NAMED {
        let more = format!(
            "{} more accounts could not be used at their last request.",
            ill.len() - MAX_NAMED
        );
        findings.push(Finding::bad(CHECK, more, "`calrelay account list` lists all of them."));
    }
    Ok(findings)
}

fn no_accounts() -> Finding {
    Finding::good(CHECK, "No account is connected yet.")
}

fn fix(error: &Error, kind: ProviderKind) -> &'static str {
    use providers::Error as E;
    let by_consent = kind.is_connected_by_consent();
    match error {
        Error::Provider(E::Unauthorized | E::Consent(_) | E::Credentials(_)) if by_consent => {
            "Connect it again with `calrelay account add`; its pairs stay."
        }
        Error::Provider(E::Address(_) | E::NotPublic(_)) if by_consent => {
            "Correct the address of its provider in the settings."
        }
        Error::Provider(E::Unauthorized | E::Consent(_) | E::Credentials(_)) => {
            "Connect it again with `calrelay account add` and a password that is valid now; its \
            pairs stay."
        }
        Error::Provider(E::NotGranted(_)) => {
            "Do as the message says, and connect the account again with `calrelay account add`; \
            its pairs stay."
        }
        Error::Provider(E::Misconfigured(_)) => {
            "The operator of calrelay has to correct the registration at the provider, or the \
            settings."
        }
        Error::Provider(E::Unreachable(_) | E::NoAnswer(_)) => {
            "Check the network, and that the server is up."
        }
        Error::Provider(E::RateLimited { .. }) => {
            "Wait some minutes; a longer CALRELAY_POLL_SECONDS asks less often."
        }
        Error::Provider(E::Address(_) | E::NotPublic(_)) => {
            "Correct the address by removing and adding the account, or see \
            CALRELAY_ALLOW_PRIVATE_HOSTS."
        }
        Error::Vault(_) => "See vault. If the key is gone for good, connect the account again.",
        _ => "Try again later; if it stays, ask the server's administrator.",
    }
}
