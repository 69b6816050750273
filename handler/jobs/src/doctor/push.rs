//! Checks whether providers send notifications, and whether they could.

use std::collections::BTreeSet;

use engine::calendar::AccountId;

use super::time_limit::with_timeout;
use crate::setup::Finding;
use crate::{Scope, watches};

const CHECK: &str = "push";

/// The number of calendars, or of accounts with one watch for all calendars, that are named;
/// further ones are counted.
const MAX_NAMED: usize = 20;

/// No findings where no pair has such a calendar, or where storage fails, which its own check
/// reports. A live check asks each provider that can be asked whether the watch of an account
/// exists.
pub async fn findings(scope: &Scope, is_live: bool) -> Vec<Finding> {
    let Ok(mut states) = with_timeout(watches::states(scope)).await else { return Vec::new() };
    if states.is_empty() {
        return Vec::new();
    }
    let removed = match is_live {
        true => with_timeout(watches::removed_watches(scope)).await,
        false => Ok(BTreeSet::new()),
    };
    let removed = removed.unwrap_or_default();
    let is_removed = |account: &Option<AccountId>| {
        account.as_ref().is_some_and(|account| removed.contains(account))
    };
    states.iter_mut().for_each(|state| state.open &= !is_removed(&state.of_account));
    let (all, open) = (states.len(), states.iter().filter(|state| state.open).count());
    if scope.setup.public_url.is_none() && open == 0 {
        // Correct where every sync is a `calrelay sync`.
        let finders: BTreeSet<&str> = states.iter().map(|state| state.finder).collect();
        let finders = Vec::from_iter(finders).join(" or ");
        return vec![Finding::good(
            CHECK,
            format!(
                "No notifications of changes arrive, because CALRELAY_PUBLIC_URL is not set. \
                {finders} of a running calrelay finds changes, and `calrelay sync` does. To find \
                them within seconds, set CALRELAY_PUBLIC_URL to the address (https://…) under \
                which this calrelay is reached from outside."
            ),
        )];
    }
    let mut findings = vec![Finding::good(
        CHECK,
        format!("Notifications of changes arrive for {open} of {all} paired calendars."),
    )];
    // What one watch covers is named once: the calendar, or the account.
    let mut named = BTreeSet::new();
    for state in states.iter().filter(|state| !state.open) {
        let name = state.of_account.as_ref().map_or(state.calendar.as_str(), AccountId::as_str);
        if named.len() >= MAX_NAMED || !named.insert(name) {
            continue;
        }
        let check = format!("{CHECK}:{name}");
        if is_removed(&state.of_account) {
            findings.push(watch_removed(&check));
            continue;
        }
        let message = state.error.as_ref().map_or("", |error| error.message.as_str());
        findings.push(if state.needs_no_setting {
            Finding::good(&check, message)
        } else {
            Finding::bad(
                &check,
                message,
                "The watch is created again every hour. Check that CALRELAY_PUBLIC_URL is reached \
                from outside over https, and look at the account in `calrelay status`.",
            )
        });
    }
    findings
}

fn watch_removed(check: &str) -> Finding {
    Finding::bad(
        check,
        "The provider has removed the watch of this account, and no notifications of its changes \
        arrive. The nightly pass finds them.",
        "A running calrelay finds that out within half a day, creates another watch, and reads \
        the calendars again. It does so at once when it is started again.",
    )
}
