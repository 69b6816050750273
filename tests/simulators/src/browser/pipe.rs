//! The DevTools protocol over two pipes: messages of JSON, each with a zero byte behind it
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The two ends that we hold.
#[derive(Debug)]
pub struct Pipe {
    inward: tokio::sync::Mutex<ChildStdin>,
    heard: Arc<Received>,
    next: AtomicU64,
    listening: JoinHandle<()>,
}

/// What the browser has said.
#[derive(Debug, Default)]
struct Received {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// In their order, each with its session.
    events: Vec<(String, Event)>,
    ended: bool,
}

/// Something that happened in a window.
#[derive(Clone, Debug)]
pub struct Event {
    /// `Domain.name`.
    pub name: String,
    /// Its particulars.
    pub of: Value,
}

impl Received {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(waiting) = self.state().waiting.remove(&id) {
                let _ = waiting.send(message);
            }
            return;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let event = Event { name: text(&message["method"]), of: message["params"].take() };
        self.state().events.push((text(&message["sessionId"]), event));
        self.news.notify_waiters();
    }
}

impl Pipe {
    pub fn new(inward: ChildStdin, outward: ChildStdout) -> Self {
        let heard = Arc::new(Received::default());
        let hearing = Arc::clone(&heard);
        let listening = tokio::spawn(async move {
            let mut outward = BufReader::new(outward);
            let mut message = Vec::new();
            while outward.read_until(0, &mut message).await.is_ok_and(|read| read > 0) {
                if let Ok(message) =
                    serde_json::from_slice(message.strip_suffix(&[0]).unwrap_or(&message))
                {
                    hearing.take(message);
                }
                message.clear();
            }
            let mut state = hearing.state();
            state.ended = true;
            state.waiting.clear();
            drop(state);
            hearing.news.notify_waiters();
        });
        Self { inward: tokio::sync::Mutex::new(inward), heard, next: AtomicU64::new(1), listening }
    }

    /// Asks for something, and waits for the answer.
    pub async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
    ) -> anyhow::Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (send, answer) = oneshot::channel();
        self.heard.state().waiting.insert(id, send);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let mut inward = self.inward.lock().await;
        inward.write_all(&bytes).await?;
        inward.flush().await?;
        drop(inward);
        let answer = tokio::time::timeout(PATIENCE, answer)
            .await
            .with_context(|| format!("{method}: no answer"))?;
        let mut answer = answer.context("the browser has ended")?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// All that has happened in a session so far.
    pub fn events(&self, session: &str) -> Vec<Event> {
        self.heard
            .state()
            .events
            .iter()
            .filter(|(known, _)| known == session)
            .map(|(_, event)| event.clone())
            .collect()
    }

    /// Waits until the events of a session lead to a result.
    pub async fn until<T>(
        &self,
        session: &str,
        what: &str,
        found: impl Fn(&[Event]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let waiting = async {
            loop {
                let news = self.heard.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(found) = found(&self.events(session)) {
                    return Ok(found);
                }
                if self.heard.state().ended {
                    bail!("the browser has ended");
                }
                news.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .with_context(|| format!("{what}: it does not happen"))?
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
