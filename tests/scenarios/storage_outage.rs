//! Storage that is away when the program starts: it listens, says what is missing, and gets well by
//! itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use simulators::client::Client;

use crate::support::builder::Builder;
use crate::support::events::{hour, many};

/// What `/health` says.
async fn health(outside: &Client) -> anyhow::Result<(u16, Value)> {
    let answer = outside.send("GET", "/health", &[], "").await?;
    Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
}

/// A region that comes back service by service: the handler is started while there is no storage
/// yet.
#[tokio::test]
async fn a_handler_that_starts_while_storage_is_away_serves_and_gets_well() -> anyhow::Result<()> {
    let mut azurite = Azurite::start_keeping().await?;
    let mut env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = env.people.clone();
    for host in env.hosts.drain(..) {
        host.kill().await;
    }
    azurite.stop().await?;
    for (name, object) in many(6) {
        anna.put(&name, &object);
    }
    env.start_instance().await?;
    let outside = Client::new(env.host().url());
    let ready = env.host().handler().await?;
    for _ in 0..2 {
        let (status, words) = health(&outside).await?;
        assert_eq!(
            (status, words),
            (503, json!({"ok": false, "storage": false, "vault": true, "work": true})),
            "{}",
            env.site.log()
        );
    }
    // A tick finds it away as well, and is called again.
    env.site.clock().advance(Duration::from_secs(60));
    env.until("no tick fails", || env.tally("poll_caldav").failed > 0).await?;
    assert_eq!(
        env.host().handler().await?,
        ready,
        "it is the same process as at the start: {}",
        env.site.log()
    );

    azurite.restart().await?;
    let back = Instant::now();
    loop {
        let (status, words) = health(&outside).await?;
        if status == 200 {
            assert_eq!(words, json!({"ok": true, "storage": true, "vault": true, "work": true}));
            break;
        }
        assert!(
            back.elapsed() < Duration::from_secs(60),
            "it does not get well: {words} {}",
            env.site.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while env.minute().await? > 0 || ben.len() < 6 {
        assert!(back.elapsed() < Duration::from_secs(90), "it does not go on: {}", env.site.log());
    }
    anna.put("late.ics", &hour("late", 100, 9, "Late"));
    env.settle().await?;
    assert_eq!(env.host().handler().await?, ready, "nothing has ended: {}", env.site.log());
    env.assert_equal_sides(7);
    Ok(())
}
