//! The handler with storage in a file: the host reads the queue in that file.

use std::time::Duration;

use simulators::caldav::Manners;
use simulators::functions_host::{Received, Source};
use store::{Embedded, Message, Queue};

use crate::support::builder::Builder;
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};
use crate::support::hosted_env::{HostedEnv, QUEUE};

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

async fn town() -> anyhow::Result<HostedEnv<Storage>> {
    let storage = |env: &CliEnv| {
        #[expect(
            clippy::disallowed_methods,
            reason = "a process of its own has the system's clock"
        )]
        let clock = jiff::Timestamp::now;
        Ok(Storage(Embedded::open(&env.cli.data_dir(), clock)?))
    };
    // The host wants an account of its own in any case.
    Builder::caldav(Manners::generic())
        .build_hosted(
            &[
                ("CALRELAY_STORE", "embedded"),
                ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
            ],
            storage,
            "00:00:00",
        )
        .await
}

#[tokio::test]
async fn the_main_job_is_done_with_storage_in_a_file() -> anyhow::Result<()> {
    let env = town().await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(12) {
        anna.put(&name, &object);
    }
    env.settle().await?;
    env.assert_equal_sides(12);
    let copy = ben.names()[0].clone();
    ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Moved "));
    env.settle().await?;
    assert!(env.agendas()[0].iter().any(|line| line.contains("Moved")));
    env.assert_equal_sides(12);
    Ok(())
}

#[tokio::test]
async fn what_is_no_nudge_is_dropped() -> anyhow::Result<()> {
    let env = town().await?;
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
        env.queues.send(QUEUE, text).await?;
    }
    env.drain().await?;
    let tally = env.tally("sync_calendar");
    assert_eq!((tally.succeeded, tally.failed), (texts.len(), 0));
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.settle().await?;
    env.assert_equal_sides(1);
    Ok(())
}
