//! The status of accounts, and how it follows from the outcome of work with them.

use std::time::Duration;

use jiff::SignedDuration;
use records::account::{Account, AccountStatus, Suspended};
use records::kinds::account_key;
use records::problem::Problem;

use super::grant_endpoint::with_claims;
use crate::problem::problem_of_account;
use crate::{Error, Result, Scope};

/// A provider that demands a longer wait has closed the account. The suspension is stored, so that
/// every process waits.
const SUSPENSION_THRESHOLD: Duration = Duration::from_secs(300);

/// A suspension whose end differs by less from the stored one is not written again.
const REPEAT_TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// Stores the status of an account, unless the account was connected again since `account` was
/// read. Only success changes [`AccountStatus::NeedsReconnect`], because a server that is down does
/// not make a refused password valid. Storage is not accessed where `account` already has this
/// status.
pub async fn set_account_state(
    scope: &Scope,
    account: &Account,
    state: AccountStatus,
    error: Option<Problem>,
) -> Result<()> {
    if account.state == state && account.error == error {
        return Ok(());
    }
    scope
        .directory()
        .update(&account_key(&account.id), |stored: &mut Account| {
            apply_status(stored, account.generation, state, error.clone())
        })
        .await?;
    Ok(())
}

fn apply_status(
    stored: &mut Account,
    generation: u32,
    state: AccountStatus,
    error: Option<Problem>,
) {
    let refused =
        stored.state == AccountStatus::NeedsReconnect && state == AccountStatus::Unreachable;
    // Success of other work does not show that the grant is valid: the work may have made no
    // request.
    let unasked = state == AccountStatus::Ok && stored.kind.is_connected_by_consent();
    if stored.generation == generation && !refused && !unasked {
        stored.state = state;
        stored.error = error;
    }
}

/// Updates the status of an account after the outcome of work with it. A failure that says nothing
/// about the account changes nothing.
pub async fn record_outcome(
    scope: &Scope,
    account: &Account,
    failure: Option<&Error>,
) -> Result<()> {
    let Some(state) = status_after(failure) else { return Ok(()) };
    set_account_state(scope, account, state, problem_of(account, failure)).await
}

/// As [`record_outcome`], and updates `account` too, so that the next outcome is compared with the
/// new status.
pub(crate) async fn record_outcome_in(
    scope: &Scope,
    account: &mut Account,
    failure: Option<&Error>,
) -> Result<()> {
    record_outcome(scope, account, failure).await?;
    if let Some(state) = status_after(failure) {
        let problem = problem_of(account, failure);
        apply_status(account, account.generation, state, problem);
    }
    Ok(())
}

/// As [`record_outcome_in`], for the outcome of a token request. Only this outcome counts for an
/// account that has a grant.
pub(super) async fn record_grant_outcome(
    scope: &Scope,
    account: &mut Account,
    failure: Option<&Error>,
) -> Result<()> {
    if let Some(Error::Provider(providers::Error::RateLimited { retry_after: Some(wait) })) =
        failure
        && *wait >= SUSPENSION_THRESHOLD
    {
        return suspend(scope, account, *wait).await;
    }
    let Some(state) = status_after(failure) else { return Ok(()) };
    let error = problem_of(account, failure);
    let claims = match failure {
        Some(Error::Provider(providers::Error::NotGranted(why))) => why.claims.as_ref(),
        _ => None,
    };
    // Claims of an earlier refusal stay until access is given again.
    let is_settled = state == AccountStatus::Ok;
    let endpoint = |stored: &Account| match claims {
        None if !is_settled => stored.endpoint.clone(),
        claims => with_claims(&stored.endpoint, claims),
    };
    if account.state == state && account.error == error && account.endpoint == endpoint(account) {
        return Ok(());
    }
    let generation = account.generation;
    let apply = |stored: &mut Account| {
        if stored.generation == generation {
            stored.endpoint = endpoint(stored);
        }
        match state {
            AccountStatus::Ok if stored.generation == generation => {
                (stored.state, stored.error) = (state, None)
            }
            _ => apply_status(stored, generation, state, error.clone()),
        }
    };
    scope.directory().update(&account_key(&account.id), apply).await?;
    apply(account);
    Ok(())
}

async fn suspend(scope: &Scope, account: &mut Account, wait: Duration) -> Result<()> {
    let parked = Suspended::for_at_least(wait, scope.clock.now());
    if account
        .suspended
        .as_ref()
        .is_some_and(|known| parked.until.duration_since(known.until).abs() < REPEAT_TOLERANCE)
    {
        return Ok(());
    }
    let generation = account.generation;
    let apply = |stored: &mut Account| {
        if stored.generation == generation {
            stored.suspended = Some(parked.clone());
        }
    };
    scope.directory().update(&account_key(&account.id), apply).await?;
    apply(account);
    Ok(())
}

fn problem_of(account: &Account, failure: Option<&Error>) -> Option<Problem> {
    failure.map(|error| problem_of_account(error, account.kind))
}

fn status_after(failure: Option<&Error>) -> Option<AccountStatus> {
    use providers::Error as E;
    match failure {
        None => Some(AccountStatus::Ok),
        Some(
            Error::Provider(E::Unauthorized | E::Consent(_) | E::NotGranted(_) | E::Credentials(_))
            | Error::Vault(vault::Error::CannotOpen),
        ) => Some(AccountStatus::NeedsReconnect),
        Some(Error::Provider(
            E::Unreachable(_)
            | E::NoAnswer(_)
            | E::BadAnswer(_)
            | E::RateLimited { .. }
            | E::Address(_)
            | E::NotPublic(_),
        )) => Some(AccountStatus::Unreachable),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::report::AccountState;
    use engine::calendar::AccountId;
    use engine::provider::ProviderKind;
    use jiff::Timestamp;

    use super::*;

    fn account(state: AccountStatus) -> Account {
        Account {
            id: AccountId::new("a1"),
            kind: ProviderKind::Caldav,
            name: "anna on dav.example.org".into(),
            url: "https://dav.example.org/".into(),
            user: "anna".into(),
            endpoint: "{}".into(),
            generation: 3,
            state,
            error: None,
            suspended: None,
        }
    }

    #[test]
    fn a_refused_password_stays_refused_when_the_server_goes_away() {
        let mut stored = account(AccountStatus::NeedsReconnect);
        apply_status(&mut stored, 3, AccountStatus::Unreachable, None);
        assert_eq!(stored.state, AccountStatus::NeedsReconnect);
        apply_status(&mut stored, 3, AccountStatus::Ok, None);
        assert_eq!(stored.state, AccountStatus::Ok);
    }

    #[test]
    fn a_grant_that_ended_is_not_revived_by_work_without_a_request() {
        let mut stored =
            Account { kind: ProviderKind::Google, ..account(AccountStatus::NeedsReconnect) };
        apply_status(&mut stored, 3, AccountStatus::Ok, None);
        assert_eq!(stored.state, AccountStatus::NeedsReconnect);
    }

    #[test]
    fn the_answer_to_an_earlier_password_does_not_count() {
        let mut stored = account(AccountStatus::Ok);
        apply_status(&mut stored, 2, AccountStatus::NeedsReconnect, None);
        assert_eq!(stored.state, AccountStatus::Ok);
    }

    #[test]
    fn only_what_says_something_about_the_account_changes_its_state() {
        use providers::Error as E;
        let of = |error: E| status_after(Some(&Error::Provider(error)));
        assert_eq!(of(E::Unauthorized), Some(AccountStatus::NeedsReconnect));
        assert_eq!(of(E::Unreachable("x".into())), Some(AccountStatus::Unreachable));
        assert_eq!(of(E::Consent("x".into())), Some(AccountStatus::NeedsReconnect));
        assert_eq!(of(E::Misconfigured("x".into())), None, "that is nothing its owner could mend");
        assert_eq!(of(E::CalendarMissing), None);
        assert_eq!(of(E::HasGuests), None);
        assert_eq!(status_after(Some(&Error::Store(store::Error::Full))), None);
        assert_eq!(status_after(None), Some(AccountStatus::Ok));
    }

    #[test]
    fn an_account_shows_itself_as_the_contract_says() {
        let (mut one, now) = (
            account(AccountStatus::NeedsReconnect),
            Timestamp::from_second(1_800_000_000).unwrap(),
        );
        let shown = serde_json::to_value(AccountState::of(&one, now)).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({
                "id": "a1",
                "provider": "caldav",
                "name": "anna on dav.example.org",
                "state": "needs_reconnect",
                "error": null
            })
        );
        one.error = Some(Problem { code: "unauthorized".into(), message: "Words.".into() });
        let shown = serde_json::to_value(AccountState::of(&one, now)).unwrap();
        assert_eq!(
            shown["error"],
            serde_json::json!({"code": "unauthorized", "message": "Words."})
        );
    }

    #[test]
    fn an_account_that_its_provider_has_closed_says_until_when_and_is_well_after_it() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let at = |minutes| now + SignedDuration::from_mins(minutes);
        let mut one = Account {
            suspended: Some(Suspended::for_at_least(Duration::from_secs(3600), now)),
            ..account(AccountStatus::Ok)
        };
        let shown = AccountState::of(&one, at(59));
        assert_eq!(
            (shown.state.as_str(), one.suspended_for(at(59)).unwrap().as_secs()),
            ("unreachable", 60)
        );
        let error = shown.error.unwrap();
        assert!(
            error.code == "throttled" && error.message.contains("2026-03-10 13:00 UTC"),
            "{error:?}"
        );
        assert_eq!(
            (AccountState::of(&one, at(60)).state.as_str(), one.suspended_for(at(60))),
            ("ok", None)
        );
        assert_eq!(
            one.suspended_for(at(-26 * 60)),
            None,
            "a clock that was set back closes nothing"
        );
        one.state = AccountStatus::NeedsReconnect;
        assert_eq!(
            AccountState::of(&one, now).state,
            "needs_reconnect",
            "that is what its owner has to know"
        );
    }
}
