//! Storage that is away when the program starts: it listens, says what is missing, and gets well by
//! itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::client::Client;

use crate::support::events::{hour, many};
use crate::support::hosted_env::Town;

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
    let mut town = Town::on(&azurite, "00:00:00").await?;
    let [anna, ben] = town.village.people.clone();
    for host in town.hosts.drain(..) {
        host.kill().await;
    }
    azurite.stop().await?;
    for (name, object) in many(6) {
        anna.put(&name, &object);
    }
    town.grow().await?;
    let outside = Client::new(town.host().url());
    let ready = town.host().handler().await?;
    for _ in 0..2 {
        let (status, words) = health(&outside).await?;
        assert_eq!(
            (status, words),
            (503, json!({"ok": false, "storage": false, "vault": true, "work": true})),
            "{}",
            town.site.log()
        );
    }
    // A tick finds it away as well, and is called again.
    town.site.clock().advance(Duration::from_secs(60));
    town.until("nobody notices", || town.tally("poll_caldav").failed > 0).await?;
    assert_eq!(
        town.host().handler().await?,
        ready,
        "it is the same process as at the start: {}",
        town.site.log()
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
            town.site.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while town.minute().await? > 0 || ben.len() < 6 {
        assert!(back.elapsed() < Duration::from_secs(90), "it does not go on: {}", town.site.log());
    }
    anna.put("late.ics", &hour("late", 100, 9, "Late"));
    town.settle().await?;
    assert_eq!(town.host().handler().await?, ready, "nothing has ended: {}", town.site.log());
    town.assert_in_step(7);
    Ok(())
}
