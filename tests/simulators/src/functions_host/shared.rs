//! What the parts of a host share: the handler's state, invocations of it, and what came of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;

use super::app::{App, Function};
use super::clock::Clock;
use crate::client::{Answer, Client};

/// The state of the handler.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It is being started.
    Starting,
    /// It answers.
    Up(Up),
    /// It ended with 0, and the host starts no other one.
    Gone,
    /// The host has ended, and why.
    Ended(String),
}

/// A handler that answers.
#[derive(Clone, Debug)]
pub(super) struct Up {
    /// Where it listens.
    pub url: Url,
    /// The how-manieth it is.
    pub generation: u64,
    /// Its process.
    pub id: Option<u32>,
}

/// Asks for the end of a handler.
pub(super) struct Kill {
    /// Of this one; an older one has ended already.
    pub generation: u64,
    /// Notified when the handler has ended.
    pub dead: oneshot::Sender<()>,
    /// The next one is started when the other end of this is dropped.
    pub hold: oneshot::Receiver<()>,
}

/// How an invocation ended, as the host counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 2xx and a result.
    Succeeded,
    /// Any other status, or the line broke, or the time was up.
    Failed,
}

/// What came of the invocations of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Invocations with a result.
    pub succeeded: usize,
    /// Invocations without one.
    pub failed: usize,
    /// Messages that went to the poison queue.
    pub poisoned: usize,
    /// Ticks that were marked as past due.
    pub past_due: usize,
}

impl Tally {
    /// Invocations that have ended.
    pub fn ended(self) -> usize {
        self.succeeded + self.failed
    }
}

pub(super) struct Core {
    pub app: App,
    pub clock: Clock,
    pub state: watch::Sender<State>,
    pub kills: mpsc::UnboundedSender<Kill>,
    tallies: Mutex<BTreeMap<String, Tally>>,
    complaints: Mutex<Vec<String>>,
    busy: AtomicUsize,
}

impl Core {
    pub fn new(app: App, clock: Clock, kills: mpsc::UnboundedSender<Kill>) -> Self {
        let state = watch::Sender::new(State::Starting);
        Self {
            app,
            clock,
            state,
            kills,
            tallies: Mutex::default(),
            complaints: Mutex::default(),
            busy: AtomicUsize::new(0),
        }
    }

    /// Notes something that would be a mistake under the real host.
    pub fn complain(&self, what: String) {
        locked(&self.complaints).push(what);
    }

    pub fn complaints(&self) -> Vec<String> {
        locked(&self.complaints).clone()
    }

    pub fn tally(&self, function: &str) -> Tally {
        locked(&self.tallies).get(function).copied().unwrap_or_default()
    }

    pub fn count(&self, function: &str, note: impl FnOnce(&mut Tally)) {
        note(locked(&self.tallies).entry(function.to_owned()).or_default());
    }

    /// How much is under way.
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Resolves when the host has ended.
    pub async fn ended(&self) {
        // A dropped sender counts as the end too.
        let _ = self.state.subscribe().wait_for(|state| matches!(state, State::Ended(_))).await;
    }

    /// The handler, as soon as it answers; `None` where there will be none.
    pub async fn handler(&self) -> Option<Up> {
        let mut state = self.state.subscribe();
        match &*state.wait_for(|state| !matches!(state, State::Starting)).await.ok()? {
            State::Up(up) => Some(up.clone()),
            _ => None,
        }
    }

    /// `POST /NAME`, within functionTimeout. After that the handler is killed, with everything else
    /// that it does.
    pub async fn invoke(&self, function: &Function, body: &Value) -> Outcome {
        let mut reached = None;
        let asked = async {
            let up = self.handler().await?;
            reached = Some(up.generation);
            post(&up.url, &function.name, body).await.ok()
        };
        let begun = tokio::time::Instant::now();
        let outcome = match tokio::time::timeout(self.app.timeout, asked).await {
            Ok(None) => Outcome::Failed,
            Ok(Some(answer)) if !(200..300).contains(&answer.status) => Outcome::Failed,
            Ok(Some(answer)) if answer.body.is_empty() || answer.text().trim() == "null" => {
                self.complain(format!(
                    "{}: an empty result, for which the host waits until functionTimeout",
                    function.name
                ));
                tokio::time::sleep_until(begun + self.app.timeout).await;
                self.kill(reached).await;
                Outcome::Failed
            }
            Ok(Some(answer)) => match check(&answer) {
                Ok(()) => Outcome::Succeeded,
                Err(why) => {
                    self.complain(format!("{}: {why}", function.name));
                    Outcome::Failed
                }
            },
            Err(_) => {
                self.complain(format!(
                    "{}: it ran into functionTimeout, and its process was killed",
                    function.name
                ));
                self.kill(reached).await;
                Outcome::Failed
            }
        };
        self.count(&function.name, |tally| match outcome {
            Outcome::Succeeded => tally.succeeded += 1,
            Outcome::Failed => tally.failed += 1,
        });
        outcome
    }

    async fn kill(&self, generation: Option<u64>) {
        let Some(generation) = generation else { return };
        let ((dead, died), (_, hold)) = (oneshot::channel(), oneshot::channel());
        if self.kills.send(Kill { generation, dead, hold }).is_ok() {
            // An older one is dead already, and says nothing.
            let _ = died.await;
        }
    }
}

async fn post(handler: &Url, name: &str, body: &Value) -> anyhow::Result<Answer> {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-azure-functions-invocationid", "0b7c5f0e-6a0d-4c55-a5a0-0c3f4a1d2e3f"),
        ("x-azure-functions-hostversion", "4.1037.0"),
        ("user-agent", "Azure-Functions-Host/4.1037.0"),
    ];
    Client::new(handler).send("POST", &format!("/{name}"), &headers, body.to_string()).await
}

/// Whether it is a result. No function of the product has an output binding.
fn check(answer: &Answer) -> anyhow::Result<()> {
    ensure!(
        answer.header("content-type").starts_with("application/json"),
        "its result is not declared as JSON"
    );
    let result: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| anyhow::anyhow!("Invalid HttpResponseMessage"))?;
    ensure!(
        result["Outputs"].as_object().is_some_and(serde_json::Map::is_empty),
        "it has outputs, and no binding for them, or none"
    );
    ensure!(
        result["Logs"].as_array().is_some_and(|logs| logs.iter().all(Value::is_string)),
        "its Logs are no list of lines"
    );
    Ok(())
}

/// Something under way; `busy` counts it until this is dropped.
pub(super) struct Busy(Arc<Core>);

impl Busy {
    pub fn begin(core: &Arc<Core>) -> Self {
        core.busy.fetch_add(1, Ordering::SeqCst);
        Self(core.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
