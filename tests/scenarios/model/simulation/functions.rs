//! The functions of a process, as a host calls them: requests, messages and the clock, and nothing
//! else.

use std::time::Duration;

use anyhow::{Context as _, Result};
use functions::trigger::{self, Disposition, FunctionCode, Tick};
use functions::{FUNCTIONS, host_json};
use jobs::Scope;
use jobs::nudge::QUEUE;
use simulators::google::Push;
use store::Message;

/// A message is hidden for so long while it is worked on; one whose process dies comes back then.
const LEASE: Duration = Duration::from_secs(60);

fn function(name: &str) -> FunctionCode {
    FUNCTIONS.iter().find(|function| function.name == name).expect("a function of ours").run
}

/// Google calls; the answer's status.
pub async fn call(scope: &Scope, push: &Push) -> Result<u16> {
    crate::support::push_env::webhook(scope, &push.headers).await
}

/// The clock strikes for a function.
pub async fn tick(scope: &Scope, name: &str, past_due: bool) -> Result<()> {
    let (FunctionCode::Timer(run) | FunctionCode::TimerAtStart(run) | FunctionCode::Poll(run)) =
        function(name)
    else {
        anyhow::bail!("{name} has no timer")
    };
    run(scope, Tick { past_due }).await;
    Ok(())
}

/// A message that can be seen now, if there is one, and its queue.
pub async fn take(scope: &Scope) -> Result<Option<(Message, &'static str)>> {
    for (queue, name) in
        [(QUEUE, "sync_calendar"), ("sync-calendar-poison", "sync_calendar_poison")]
    {
        if let Some(message) = scope.queue.take(queue, 1, LEASE).await?.pop() {
            return Ok(Some((message, name)));
        }
    }
    Ok(None)
}

/// Works on a message as the queue's own host would; whether it was dealt with.
pub async fn work(scope: &Scope, message: &Message, name: &str) -> Result<bool> {
    let FunctionCode::Queue(run) = function(name) else { anyhow::bail!("{name} has no queue") };
    let answer = run(
        scope,
        trigger::QueueMessage { text: message.body.clone(), dequeue_count: message.dequeue_count },
    )
    .await;
    let queue = if name == "sync_calendar" { QUEUE } else { "sync-calendar-poison" };
    let rules = host_json::HostSettings::read().context("host.json")?.queues;
    match answer {
        Disposition::Done => scope.queue.delete(queue, message).await?,
        Disposition::Retry if message.dequeue_count < rules.max_dequeue_count => {
            scope.queue.extend(queue, message, rules.visibility_timeout).await?;
        }
        // What fails in the poison queue is dropped then.
        Disposition::Retry if queue != QUEUE => scope.queue.delete(queue, message).await?,
        Disposition::Retry => scope.queue.poison(queue, message).await?,
    }
    Ok(answer == Disposition::Done)
}
