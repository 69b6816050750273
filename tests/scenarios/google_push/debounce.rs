//! Edits and notifications in quick succession: how long an edit waits, and what repetitions cost,
//! by the manual clock.

use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use jobs::nudge::QUEUE;
use simulators::faults::{Fault, On};
use simulators::google::Push;
use simulators::rng::Rng;
use simulators::traffic::Kind;

use crate::support::product::NotificationOutcome;
use crate::support::push_cli_env::with_header;
use crate::support::push_env::{PushEnv, event, receive, webhook};

const STEP: i64 = 100;

impl PushEnv {
    /// A moment passes, and what is due by then is done.
    async fn moment(&mut self) -> anyhow::Result<()> {
        self.google.clock().advance(SignedDuration::from_millis(STEP));
        self.deliver().await?;
        self.work().await?;
        Ok(())
    }

    fn call(&self) -> anyhow::Result<Push> {
        self.google.pushes().sent().pop().context("a call")
    }
}

/// A person makes two to six edits within some seconds, and then none for half a minute; and again.
#[tokio::test]
async fn edits_in_quick_succession_arrive_within_two_seconds() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let (mut rng, mut waits) = (Rng::new(7), Vec::new());
    for spell in 0..12 {
        let mut waiting: Vec<(String, i64)> = Vec::new();
        let mut edits = 2 + rng.below(5);
        let mut until = 0;
        for now in (0..).map(|step| step * STEP) {
            if edits > 0 && now >= until {
                let title = format!("{spell} {edits}");
                env.people[0].primary().add(event(&title));
                waiting.push((title, now));
                edits -= 1;
                until = now + 300 + i64::try_from(rng.below(2700))?;
            }
            env.moment().await?;
            waiting.retain(|(title, begun)| {
                let arrived = env.count(title) == 1;
                waits.extend(arrived.then_some(now + STEP - begun));
                !arrived
            });
            if edits == 0 && waiting.is_empty() {
                break;
            }
            anyhow::ensure!(now < 60_000, "{waiting:?}");
        }
        env.wait(30);
        env.settle().await?;
    }
    waits.sort_unstable();
    let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 95 / 100]);
    println!("{} edits: half of them within {half} ms, 95 % within {most} ms", waits.len());
    assert!(half <= 1000 && most <= 2000, "{waits:?}");
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_repeated_sixty_times_costs_twenty_looks_at_most() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    env.people[0].primary().add(event("Lunch"));
    let call = env.call()?;
    env.settle().await?;
    for pause in [0, 1, 10] {
        env.wait(120);
        env.google.reset_counts();
        for _ in 0..60 {
            receive(&env.scope, &call).await?;
            for _ in 0..pause {
                env.moment().await?;
            }
        }
        for _ in 0..60 {
            env.moment().await?;
        }
        let looks = env.requests(Kind::List);
        assert!(
            (2..=20).contains(&looks) && env.google.counts().total() == looks,
            "{pause}: {:?}",
            env.google.counts()
        );
    }
    // Forged.
    env.wait(120);
    env.google.reset_counts();
    for _ in 0..1000 {
        assert_eq!(
            webhook(&env.scope, &with_header(&call, "x-goog-channel-token", "h1.bG9jYWw.AAAA"))
                .await?,
            200
        );
    }
    assert_eq!((env.scope.queue.len(QUEUE).await?, env.google.counts().total()), (0, 0));
    env.assert_no_harm();
    Ok(())
}

/// A pass has read the calendar and is still writing when the next edit is made: the call about
/// that leads to a pass of its own.
#[tokio::test]
async fn an_edit_after_the_pass_has_read_the_calendar_is_not_lost() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    env.people[0].primary().add(event("Lunch"));
    assert_eq!(env.deliver().await?, [NotificationOutcome::Nudged]);
    env.google.faults().next(On::kind(Kind::Insert), Fault::Delay(Duration::from_millis(500)));
    let meanwhile = async {
        while env.requests(Kind::Insert) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        env.people[0].primary().add(event("Tea"));
        let outcome = receive(&env.scope, &env.call()?).await?;
        anyhow::Ok((outcome, env.count("Lunch")))
    };
    let (worked, meanwhile) = tokio::join!(env.work(), meanwhile);
    worked?;
    assert_eq!(meanwhile?, (NotificationOutcome::Nudged, 0), "the pass was at work");
    // No other call comes.
    for _ in 0..20 {
        env.google.clock().advance(SignedDuration::from_millis(STEP));
        env.work().await?;
    }
    assert_eq!((env.count("Lunch"), env.count("Tea")), (1, 1));
    env.assert_no_harm();
    Ok(())
}
