//! The same handler with storage in a file: the host's listener is given the queue in it.

use std::time::Duration;

use simulators::functions_host::{Received, Source};
use store::{Embedded, Message, Queue};

use crate::support::cli_env::Village;
use crate::support::events::{hour, many};
use crate::support::hosted_env::{QUEUE, Town};

/// The queue of the program's data directory, opened beside it as another process.
struct Storage(Embedded);

fn message(received: &Received) -> Message {
    let count = u32::try_from(received.dequeue_count).unwrap_or(u32::MAX);
    Message {
        id: received.id.clone(),
        receipt: received.receipt.clone(),
        body: received.text.clone(),
        dequeue_count: count,
    }
}

impl Source for Storage {
    async fn receive(
        &self,
        queue: &str,
        most: usize,
        hide: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let taken = self.0.take(queue, most, hide).await?;
        let received = |m: Message| Received {
            id: m.id,
            receipt: m.receipt,
            text: m.body,
            dequeue_count: m.dequeue_count.into(),
        };
        Ok(taken.into_iter().map(received).collect())
    }
    async fn delete(&self, queue: &str, received: &Received) -> anyhow::Result<()> {
        Ok(self.0.delete(queue, &message(received)).await?)
    }
    async fn hide(
        &self,
        queue: &str,
        received: &Received,
        time: Duration,
    ) -> anyhow::Result<String> {
        Ok(self.0.extend(queue, &message(received), time).await?.receipt)
    }
    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.0.put(queue, text, Duration::ZERO).await?)
    }
    /// Hidden ones too: here no host dies with messages in its hands.
    async fn waiting(&self, queue: &str) -> anyhow::Result<usize> {
        Ok(self.0.len(queue).await?.try_into()?)
    }
}

async fn town() -> anyhow::Result<Town<Storage>> {
    let storage = |village: &Village| {
        #[expect(
            clippy::disallowed_methods,
            reason = "a process of its own has the system's clock"
        )]
        let clock = jiff::Timestamp::now;
        Ok(Storage(Embedded::open(&village.cli.data_dir(), clock)?))
    };
    // The host wants an account of its own in any case.
    Town::new(
        &[("CALRELAY_STORE", "embedded"), ("AzureWebJobsStorage", "UseDevelopmentStorage=true")],
        storage,
        "00:00:00",
    )
    .await
}

#[tokio::test]
async fn the_main_job_is_done_with_storage_in_a_file() -> anyhow::Result<()> {
    let town = town().await?;
    let [anna, ben] = &town.village.people;
    for (name, object) in many(12) {
        anna.put(&name, &object);
    }
    town.settle().await?;
    town.assert_in_step(12);
    let copy = ben.names()[0].clone();
    ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Moved "));
    town.settle().await?;
    assert!(town.village.agendas()[0].iter().any(|line| line.contains("Moved")));
    town.assert_in_step(12);
    Ok(())
}

#[tokio::test]
async fn what_is_no_nudge_is_dropped() -> anyhow::Result<()> {
    let town = town().await?;
    let texts = [
        "x",
        "123",
        "{}",
        "[]",
        "\"quoted\"",
        r#"{"calendarId":"nowhere","cause":"poll"}"#,
        r#"{"dequeueCount":9,"calendarId":"c"}"#,
    ];
    for text in texts {
        town.queues.send(QUEUE, text).await?;
    }
    town.rest().await?;
    let tally = town.tally("sync_calendar");
    assert_eq!((tally.succeeded, tally.failed), (texts.len(), 0));
    town.village.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    town.settle().await?;
    town.assert_in_step(1);
    Ok(())
}
