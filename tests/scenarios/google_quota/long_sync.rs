//! A first sync that is longer than a host lets anything take, and processes that share an account
//! without knowing of each other.

use std::time::Duration;

use simulators::traffic::Kind;

use super::host::{Host, deadline, nudge};
use super::quota_env::{QuotaEnv, hour, pair, sync};

fn seconds(within: u64) -> [Duration; 2] {
    [Duration::from_secs(within), Duration::from_secs(1)]
}

/// The sync goes on in several attempts, each within the time of the host. Other pairs that write
/// to that calendar run in between, and no copy is made twice.
#[tokio::test(start_paused = true)]
async fn a_long_first_sync_goes_on_in_turns_and_lets_others_through() -> anyhow::Result<()> {
    const MANY: usize = 1_500;
    let env = QuotaEnv::new().await?;
    let process = env.process()?;
    let anna = env.connect_google(&process, "anna@example.org").await?;
    let ben = env.connect_google(&process, "ben@example.org").await?;
    let dora = env.connect_google(&process, "dora@example.org").await?;
    let other = pair(&process, dora.address(), ben.address()).await?;
    let host = Host::start(&process);
    env.until(seconds(60), "rest", || host.tally().done > 0).await?;

    (0..MANY).for_each(|n| {
        drop(anna.primary().put(&format!("event{n}"), hour(n, &format!("Event {n}"))))
    });
    env.google.reset_counts();
    let large = pair(&process, anna.address(), ben.address()).await?;
    let written = || env.google.counts().of(Kind::Insert);
    env.until(seconds(60), "copies", || written() > 100).await?;
    let state = |status: &jobs::Status| {
        status.pairs.iter().find(|state| state.id == large.id).cloned().unwrap()
    };
    let seen = state(&jobs::status(&process, 60).await?);
    assert!(
        seen.remaining.is_some_and(|left| (1_300..1_500).contains(&left))
            && seen.error.is_none()
            && seen.copies > 0,
        "{seen:?}"
    );

    dora.primary().add(hour(1, "Lunch"));
    nudge(&process, &other.from).await?;
    let took =
        env.until(seconds(150), "the other's", || ben.primary().find("Lunch").is_some()).await?;
    assert!(
        written() < MANY as u64,
        "it came while the first sync was still under way, after {took:?}"
    );

    env.until(seconds(900), "all copies", || written() > MANY as u64).await?;
    env.until(seconds(120), "the end", || host.is_idle()).await?;
    let seen = state(&jobs::status(&process, 60).await?);
    assert!(
        seen.remaining.is_none() && seen.last_sync.is_some() && seen.copies == MANY as u64,
        "{seen:?}"
    );
    assert_eq!(ben.primary().len(), MANY + 1);
    let (counts, tally) = (env.google.counts(), host.tally());
    assert_eq!(written(), MANY as u64 + 1, "nothing is made twice: {counts}");
    assert!((2..=6).contains(&tally.turns) && tally.longest < deadline() / 2, "{tally:?}");
    assert_eq!((tally.cut, tally.retried, tally.poisoned), (0, 0, 0), "{tally:?}");
    // Each attempt lists both calendars once, with one page each; the other pair lists when it is
    // notified.
    assert!(counts.total() - counts.writes() <= 4 * tally.turns as u64 + 20, "{counts}");
    env.assert_below_quotas();
    env.assert_no_harm();
    Ok(())
}

/// Each keeps its own pace, and both together would ask for nearly twice of what there is. They are
/// refused, slow down, and come to the end.
#[tokio::test(start_paused = true)]
async fn two_processes_that_share_an_account_come_to_terms() -> anyhow::Result<()> {
    const EACH: usize = 300;
    let env = QuotaEnv::new().await?;
    let processes = [env.process()?, env.process()?];
    let anna = env.google.account("anna@example.org");
    let targets =
        ["Work", "Club", "Home", "Team", "Gym", "Choir"].map(|title| anna.calendar(title));
    env.connect_google(&processes[0], anna.address()).await?;
    (0..EACH).for_each(|n| {
        drop(anna.primary().put(&format!("event{n}"), hour(n, &format!("Event {n}"))))
    });
    let mut work = Vec::new();
    for (n, target) in targets.iter().enumerate() {
        work.push((&processes[n % 2], pair(&processes[0], anna.address(), target.id()).await?));
    }
    env.google.reset_counts();
    let failures = futures::future::join_all(work.iter().map(|(process, pair)| async move {
        let mut failures = 0;
        // As a queue does, which gives up after the fifth time.
        while sync(process, pair).await.is_err() {
            failures += 1;
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        failures
    }));
    let failures = failures.await;
    assert_eq!(targets.each_ref().map(simulators::google::Calendar::len), [EACH; 6]);
    assert!(failures.iter().all(|failures| *failures < 5), "{failures:?}");
    let (refused, counts) = (env.google.refused_by_quota(), env.google.counts());
    assert!(refused > 0, "they never conflicted, and the scenario shows nothing");
    assert!(refused <= 14, "{refused} of {counts}");
    env.assert_no_harm();
    Ok(())
}
