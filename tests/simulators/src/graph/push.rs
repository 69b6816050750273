//! Delivery of notifications to webhooks, and what may go wrong on the way there.
//!
//! Properties:
//! - Delivery is by HTTP to loopback addresses. What is for another address is written down and
//!   goes nowhere; its handshake passes.
//! - What is for one address at one time goes in one request, of many users.
//! - Anything but 2xx and a broken line are tried again, later each time.
//! - Everything is in [`Pushes::sent`], lost ones too.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use url::Url;

use super::lock::held;
use super::reply::Refusal;
use super::subscription::{Subscription, is_loopback};
use crate::client::Client;

/// How long a webhook may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A notification, and what became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The subscription's id.
    pub subscription: String,
    /// Where it is for.
    pub address: Url,
    /// The item in the request's `value`.
    pub item: Value,
    /// What the webhook answered, each time that it was tried; 0 where the line broke.
    pub answers: Vec<u16>,
    /// Whether it was lost on purpose.
    pub lost: bool,
}

impl Push {
    /// `created`, `updated`, `deleted`, or the lifecycle event.
    pub fn cause(&self) -> &str {
        let text = |name: &str| self.item[name].as_str();
        text("lifecycleEvent").or_else(|| text("changeType")).unwrap_or_default()
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscription, answers, lost, .. } = self;
        write!(f, "Push({subscription}, {}, {answers:?}, lost: {lost})", self.cause())
    }
}

/// A notification on its way.
#[derive(Clone, Debug)]
pub(super) struct Delivery(Push);

impl Delivery {
    pub fn new(of: &Subscription, address: Url, item: Value) -> Self {
        let subscription = of.id.clone();
        Self(Push { subscription, address, item, answers: Vec::new(), lost: false })
    }
}

/// How notifications travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// So many of the next are lost. `usize::MAX`: all, from now on.
    pub lose: usize,
    /// Each comes twice.
    pub double: bool,
    /// None leaves until [`Pushes::release`].
    pub hold: bool,
    /// Each takes this long before it leaves.
    pub delay: Duration,
    /// What comes within this time goes in one request.
    pub gather: Duration,
    /// The most in one request.
    pub batch: usize,
    /// The wait before the second try; it doubles each time.
    pub retry: Duration,
    /// How often at most it is tried.
    pub tries: u32,
    /// A notification arrives before the answer to the request that made its subscription.
    pub before_answers: bool,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            lose: 0,
            double: false,
            hold: false,
            delay: Duration::ZERO,
            gather: Duration::from_millis(5),
            batch: 1_000,
            retry: Duration::from_millis(500),
            tries: 8,
            before_answers: false,
        }
    }
}

/// The notifications of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Pushes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    under_way: AtomicUsize,
    arrived: Notify,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct State {
    way: Way,
    held: Vec<usize>,
    /// By address: places of what leaves together.
    gathered: BTreeMap<String, Vec<usize>>,
    sent: Vec<Push>,
    /// How many of them were forgotten.
    cleared: usize,
    handshakes: u64,
    largest: usize,
}

impl Pushes {
    pub(super) fn new(runtime: Handle) -> Self {
        let (under_way, arrived) = (AtomicUsize::new(0), Notify::new());
        Self(Arc::new(Inner { state: Mutex::default(), under_way, arrived, runtime }))
    }

    /// Changes how notifications travel from now on.
    pub fn way(&self, change: impl FnOnce(&mut Way)) {
        change(&mut self.state().way);
    }

    /// All notifications since the last [`Pushes::clear`], in the order in which they were made.
    pub fn sent(&self) -> Vec<Push> {
        let state = self.state();
        state.sent[state.cleared..].to_vec()
    }

    /// Forgets what was sent. What is held back is forgotten too, and never comes.
    pub fn clear(&self) {
        let mut state = self.state();
        state.held.clear();
        state.cleared = state.sent.len();
    }

    /// Handshakes that were made.
    pub fn handshakes(&self) -> u64 {
        self.state().handshakes
    }

    /// The most notifications in one request.
    pub fn largest_batch(&self) -> usize {
        self.state().largest
    }

    /// Lets go of what was held back, and waits until all has been answered.
    pub async fn release(&self) {
        let (held, way) = {
            let mut state = self.state();
            (std::mem::take(&mut state.held), state.way.clone())
        };
        let mut by_address: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for place in held {
            let address = self.state().sent.get(place).map(|push| push.address.to_string());
            by_address.entry(address.unwrap_or_default()).or_default().push(place);
        }
        for places in by_address.into_values() {
            self.deliver(&places, &way).await;
        }
    }

    /// Waits until nothing is under way.
    pub async fn settle(&self) {
        loop {
            let arrived = self.0.arrived.notified();
            if self.0.under_way.load(Ordering::Acquire) == 0 {
                return;
            }
            arrived.await;
        }
    }

    pub(super) fn comes_before_answers(&self) -> bool {
        self.state().way.before_answers
    }

    /// Sends these off.
    pub(super) fn post(&self, deliveries: Vec<Delivery>) {
        let mut state = self.state();
        for Delivery(mut push) in deliveries {
            push.lost = state.way.lose > 0;
            if push.lost && state.way.lose != usize::MAX {
                state.way.lose -= 1;
            }
            let (place, lost, address) = (state.sent.len(), push.lost, push.address.to_string());
            state.sent.push(push);
            if lost {
                continue;
            }
            let times = if state.way.double { 2 } else { 1 };
            if state.way.hold {
                state.held.extend(std::iter::repeat_n(place, times));
                continue;
            }
            let gathered = state.gathered.entry(address.clone()).or_default();
            let is_first = gathered.is_empty();
            gathered.extend(std::iter::repeat_n(place, times));
            if is_first {
                let (pushes, way) = (self.clone(), state.way.clone());
                self.0.under_way.fetch_add(1, Ordering::AcqRel);
                self.0.runtime.spawn(async move {
                    tokio::time::sleep(way.delay + way.gather).await;
                    let places = pushes.state().gathered.remove(&address).unwrap_or_default();
                    for batch in places.chunks(way.batch.max(1)) {
                        pushes.deliver(batch, &way).await;
                    }
                    pushes.0.under_way.fetch_sub(1, Ordering::AcqRel);
                    pushes.0.arrived.notify_waiters();
                });
            }
        }
    }

    async fn deliver(&self, places: &[usize], way: &Way) {
        let (address, items) = {
            let mut state = self.state();
            state.largest = state.largest.max(places.len());
            let pushes = places.iter().filter_map(|place| state.sent.get(*place));
            let items: Vec<Value> = pushes.clone().map(|push| push.item.clone()).collect();
            let Some(address) = pushes.map(|push| push.address.clone()).next() else { return };
            (address, items)
        };
        if address.scheme() != "http" || !is_loopback(&address) {
            return;
        }
        let body = json!({"value": items}).to_string();
        let length = body.len().to_string();
        let headers =
            [("content-type", "application/json; charset=utf-8"), ("content-length", &length)];
        let (client, mut wait) = (Client::new(&address), way.retry);
        for _ in 0..way.tries {
            let status = client
                .send("POST", address.as_str(), &headers, body.clone())
                .await
                .map_or(0, |answer| answer.status);
            {
                let mut state = self.state();
                for place in places {
                    if let Some(push) = state.sent.get_mut(*place) {
                        push.answers.push(status);
                    }
                }
            }
            if (200..300).contains(&status) {
                return;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// Asks a webhook for its token back.
    pub(super) async fn shake(&self, address: &Url) -> Result<(), Refusal> {
        let number = {
            let mut state = self.state();
            state.handshakes += 1;
            state.handshakes
        };
        if address.scheme() != "http" {
            return Ok(());
        }
        let token = format!("Validation: Testing client reachability {number} +&%<{{\u{e9}}}");
        let mut target = address.clone();
        target.query_pairs_mut().append_pair("validationToken", &token);
        let headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", "0")];
        let client = Client::new(address);
        let asked = client.send("POST", target.as_str(), &headers, "");
        let answer = tokio::time::timeout(HANDSHAKE, asked).await;
        let failed = |words: &str| {
            let words = format!("Subscription validation request failed. {words}");
            Refusal::subscription("ValidationError", &words)
        };
        match answer {
            Err(_) => Err(Refusal::subscription(
                "InvalidRequest",
                "Subscription validation request timed out.",
            )),
            Ok(Err(_)) => Err(failed("Notification endpoint must respond with 200 OK.")),
            Ok(Ok(answer)) if answer.status != 200 => {
                Err(failed("Notification endpoint must respond with 200 OK."))
            }
            Ok(Ok(answer)) if !answer.header("content-type").starts_with("text/plain") => {
                Err(failed("Content type must be 'text/plain'."))
            }
            Ok(Ok(answer)) if answer.text() != token => {
                Err(failed("Response must exactly match validationToken query parameter."))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        held(&self.0.state)
    }
}
