//! A day on which nothing happens, for many accounts: what Microsoft is asked.

use simulators::graph::Account;
use simulators::traffic::Kind;

use crate::support::mailbox_env::MailboxEnv;
use crate::support::product;

/// Accounts, where `CALRELAY_TEST_ACCOUNTS` names no other even number; each has two calendars, each
/// in a pair with one of the next account. The bounds hold for each account.
const ACCOUNTS: usize = 12;
const QUARTERS_OF_A_DAY: usize = 96;

/// The calendar of each account that is not its default one.
const SECOND: &str = "Projects";

#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn accounts() -> usize {
    let given = std::env::var("CALRELAY_TEST_ACCOUNTS").ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(ACCOUNTS)
}

#[tokio::test]
async fn a_day_at_rest_costs_a_view_of_each_calendar_and_a_renewal_of_each_account()
-> anyhow::Result<()> {
    let mut env = MailboxEnv::new().await?;
    let count = accounts();
    let people: Vec<Account> = (0..count)
        .map(|n| match n {
            0 | 1 => env.people[n].clone(),
            _ => env.graph.account(&format!("person-{n}@example.org")),
        })
        .collect();
    for (n, person) in people.iter().enumerate() {
        person.calendar(SECOND);
        if n > 1 {
            env.connect(person).await?;
        }
    }
    let listing = product::calendars(&env.scope, None).await?;
    let id = |address: String| {
        let row = listing.calendars.iter().find(|row| row.address == address);
        row.map(|row| row.id.clone()).ok_or_else(|| anyhow::anyhow!("a calendar"))
    };
    for two in people.chunks_exact(2) {
        for name in ["Calendar", SECOND] {
            let ends = [id(two[0].calendar(name).id())?, id(two[1].calendar(name).id())?];
            env.add_pair([&ends[0], &ends[1]], true).await?;
        }
    }
    env.settle().await?;
    // The first day ends with what follows the first sync.
    env.quarters(QUARTERS_OF_A_DAY, true).await?;
    env.graph.reset_counts();
    env.quarters(QUARTERS_OF_A_DAY, true).await?;
    let asked = env.graph.counts();
    let accounts = count as u64;
    let most = |kind: Kind, count: u64| {
        assert!(asked.of(kind) <= count, "{kind:?}: {} of {count}: {asked}", asked.of(kind));
    };
    most(Kind::View, 2 * accounts);
    most(Kind::Renew, accounts);
    most(Kind::Watch, 0);
    // The fresh round that goes with a view.
    most(Kind::Delta, 2 * 2 * accounts);
    assert_eq!(asked.writes(), 0, "{asked}");
    env.assert_no_harm();
    Ok(())
}
