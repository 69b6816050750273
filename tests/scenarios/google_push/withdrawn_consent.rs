//! Consent that is withdrawn while notifications arrive, and given again (G12).

use std::time::Duration;

use records::problem::PairStatus;
use simulators::google::Account;
use simulators::traffic::Kind;
use store::Table;

use crate::support::product;
use crate::support::push_env::{PushEnv, event};

impl PushEnv {
    /// How many of a person's events have this title.
    fn has(&self, person: &Account, title: &str) -> usize {
        person
            .primary()
            .items()
            .iter()
            .filter(|event| event["summary"] == title && event["status"] != "cancelled")
            .count()
    }

    /// How many rows of channels there are.
    async fn channel_rows(&self) -> anyhow::Result<usize> {
        Ok(self.scope.store.scan(Table::Directory, "local", "channel:", None, 100).await?.len())
    }
}

#[tokio::test]
async fn consent_that_is_taken_back_stops_the_work_at_once_and_its_way_back_loses_nothing()
-> anyhow::Result<()> {
    let (mut env, pair) = PushEnv::paired().await?;
    let [anna, ben] = env.people.clone();
    let lunch = anna.primary().add(event("Lunch"));
    env.settle().await?;
    let first = env.google.channels();
    anna.withdraws_consent();
    anna.primary().patch(&lunch, serde_json::json!({ "summary": "Late lunch" }));
    ben.primary().add(event("Cake"));
    env.deliver().await?;
    env.work().await?;

    // At once, and it says whose it is and what to do.
    let (account, found) = (env.account(0).await?, env.pair_state().await?);
    assert_eq!(
        (account.state.as_str(), env.account(1).await?.state.as_str()),
        ("needs_reconnect", "ok")
    );
    assert!(account.error.is_some_and(
        |error| error.code == "unauthorized" && error.message.contains("calrelay account add")
    ));
    assert_eq!((found.state, found.copies), (PairStatus::NeedsReconnect, 1));
    let watches = product::watch_states(&env.scope).await?;
    assert_eq!(watches.len(), 2, "nothing is forgotten: {watches:?}");

    // No storm: two hours of notifications, polls and renewals make no request.
    env.google.reset_counts();
    for n in 0..4 {
        ben.primary().add(event(&format!("Guest {n}")));
        env.minutes(30).await?;
    }
    assert_eq!(env.google.counts().total(), 0, "{:?}", env.google.counts());
    assert_eq!(
        (
            env.has(&anna, "Late lunch"),
            env.has(&ben, "Lunch"),
            anna.primary().len(),
            ben.primary().len()
        ),
        (1, 1, 1, 6)
    );
    assert_eq!(env.google.channels(), first, "they cannot be stopped, and no attempt is made");

    // After consent is given again, the account, the pair and the copies are the earlier ones.
    let again = env.connect(&anna).await?;
    assert_eq!(again.id, account.id);
    env.settle().await?;
    let found = env.pair_state().await?;
    assert_eq!((found.id, found.state, found.copies), (pair.id, PairStatus::Ok, 6));
    for title in ["Late lunch", "Cake", "Guest 0", "Guest 3"] {
        assert_eq!((env.has(&anna, title), env.has(&ben, title)), (1, 1), "{title}");
    }
    assert_eq!((anna.primary().len(), ben.primary().len()), (6, 6));
    // The watch of the one calendar is new; the other one is unchanged.
    let now = env.google.channels();
    let of = |channels: &[(String, String)], person: &Account| {
        channels.iter().find(|(_, calendar)| calendar == person.address()).cloned()
    };
    assert_eq!((env.open_watches(), of(&now, &ben)), ([1, 1], of(&first, &ben)));
    assert_ne!(of(&now, &anna), of(&first, &anna));
    assert_eq!(env.requests(Kind::Stop), 1);
    anna.primary().add(event("Tea"));
    env.settle().await?;
    assert_eq!(env.has(&ben, "Tea"), 1, "the new watch notifies of it");
    env.assert_no_harm();
    Ok(())
}

/// Consent is missing for a week: the watch expires and leaves nothing behind; later everything
/// works as before.
#[tokio::test]
async fn channels_of_an_account_that_stays_away_end_by_themselves() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let [anna, ben] = env.people.clone();
    anna.withdraws_consent();
    ben.primary().add(event("Cake"));
    env.deliver().await?;
    env.work().await?;
    for _ in 0..7 * 24 {
        env.wait(3600);
        product::renew_watches(&env.scope, false).await?;
        jobs::poll_calendars(&env.scope).await?;
        env.work().await?;
    }
    assert_eq!(
        (env.open_watches(), env.channel_rows().await?),
        ([0, 1], 1),
        "Ben's is followed, Anna's is over"
    );
    let watches = product::watch_states(&env.scope).await?;
    let said: Vec<&str> = watches
        .iter()
        .filter_map(|watch| watch.error.as_ref())
        .map(|error| error.message.as_str())
        .collect();
    assert!(said.len() == 1 && said[0].contains("connected again"), "{said:?}");
    env.connect(&anna).await?;
    env.settle().await?;
    assert_eq!(
        (env.open_watches(), env.channel_rows().await?, env.has(&anna, "Cake")),
        ([1, 1], 2, 1)
    );
    env.assert_no_harm();
    Ok(())
}

/// In the middle of the writes, more than once, with another process each time.
#[tokio::test]
async fn a_run_that_loses_its_consent_goes_on_where_it_stopped() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let [anna, ben] = env.people.clone();
    for n in 0..40 {
        anna.primary().add(event(&format!("Event {n}")));
    }
    env.google.manners(|manners| manners.latency = Duration::from_millis(2));
    for enough in [5, 20] {
        env.deliver().await?;
        let withdrawn = async {
            for _ in 0..2_000 {
                if ben.primary().len() >= enough {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            ben.withdraws_consent();
        };
        let (worked, ()) = futures::join!(env.work(), withdrawn);
        worked?;
        env.wait(31);
        env.work().await?;
        assert!((enough..40).contains(&ben.primary().len()), "{}", ben.primary().len());
        assert_eq!(env.account(1).await?.state, "needs_reconnect");
        env.restart()?;
        env.connect(&ben).await?;
    }
    env.settle().await?;
    assert_eq!((anna.primary().len(), ben.primary().len()), (40, 40));
    assert!((0..40).all(|n| env.has(&ben, &format!("Event {n}")) == 1), "each once");
    assert_eq!(env.pair_state().await?.state, PairStatus::Ok);
    env.assert_no_harm();
    Ok(())
}

/// The wrong person in the browser: theirs becomes an account of its own, and nothing of it is
/// touched.
#[tokio::test]
async fn another_persons_consent_does_not_take_the_place_of_the_one_that_is_missing()
-> anyhow::Result<()> {
    let (mut env, pair) = PushEnv::paired().await?;
    let [anna, ben] = env.people.clone();
    anna.withdraws_consent();
    ben.primary().add(event("Cake"));
    env.deliver().await?;
    env.work().await?;
    let missing = env.account(0).await?;
    let carol = env.google.account("carol@example.org");
    carol.primary().add(event("Carol's own"));
    let connected = env.connect(&carol).await?;
    env.settle().await?;
    assert_ne!(connected.id, missing.id);
    assert_eq!((connected.name.as_str(), carol.primary().len()), ("carol@example.org", 1));
    assert_eq!(
        (env.account(0).await?.state.as_str(), env.pair_state().await?.state),
        ("needs_reconnect", PairStatus::NeedsReconnect)
    );
    let now = product::pair(&env.scope, &pair.id).await?;
    assert_eq!((now.from, now.to), (pair.from, pair.to));
    assert_eq!((anna.primary().len(), ben.primary().len()), (0, 1));
    env.assert_no_harm();
    Ok(())
}
