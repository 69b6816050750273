//! The accounts: does each answer, and accept us?

use jobs::directory::{self, Listing};
use jobs::{Error, Services};

use super::{Finding, sentence};

/// Asks each account for its calendars, all at once.
pub async fn findings(services: &Services) -> Vec<Finding> {
    match look(services).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::from_error("accounts", &error, "See storage and vault above.")],
    }
}

async fn look(services: &Services) -> jobs::Result<Vec<Finding>> {
    let accounts = directory::accounts(services).await?;
    if accounts.is_empty() {
        return Ok(vec![Finding::good("accounts", "No account is connected yet.")]);
    }
    let Listing { calendars, failures } = directory::calendars(services, None).await?;
    let one = |account: &directory::Account| {
        let (id, name) = (&account.id, &account.name);
        let check = format!("account:{id}");
        match failures.iter().find(|(failed, _)| failed == id) {
            Some((_, error)) => Finding::bad(&check, format!("{name}: {}", sentence(error)), fix(error)),
            None => {
                let count = calendars.iter().filter(|calendar| calendar.account == *id).count();
                Finding::good(&check, format!("{name} answers; calendars: {count}."))
            }
        }
    };
    Ok(accounts.iter().map(one).collect())
}

fn fix(error: &Error) -> &'static str {
    use providers::Error as E;
    match error {
        Error::Provider(E::Unauthorized | E::Consent(_) | E::Credentials(_)) => {
            "Connect it again with `calrelay account add` and a password that is valid now; its pairs stay."
        }
        Error::Provider(E::Unreachable(_)) => "Check the network, and that the server is up.",
        Error::Provider(E::RateLimited { .. }) => "Wait some minutes; a longer CALRELAY_POLL_SECONDS asks less often.",
        Error::Provider(E::Address(_)) => "Correct the address by removing and adding the account, or see CALRELAY_ALLOW_PRIVATE_HOSTS.",
        Error::Vault(_) => "Put back the key file that belongs to this data directory, or connect the account again.",
        _ => "Try again later; if it stays, ask the server's administrator.",
    }
}
