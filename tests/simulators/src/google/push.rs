//! Delivery of notifications to webhooks, and what may go wrong on the way there.
//!
//! Properties:
//! - Delivery is by HTTP to loopback addresses. What is for another address is written down and
//!   goes nowhere.
//! - 500, 502, 503, 504 and a broken line are tried again, later each time; any other status is the
//!   end of it.
//! - Everything is in [`Pushes::sent`], lost ones too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use url::Url;

use super::state::Channel;
use crate::client::Client;

/// A notification, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The channel's id.
    pub channel: String,
    /// The calendar's id. The notification does not contain it.
    pub calendar: String,
    /// `sync` or `exists`.
    pub state: &'static str,
    /// Its number in the channel.
    pub number: u64,
    /// Where it is for.
    pub address: Url,
    /// Its header fields.
    pub headers: Vec<(&'static str, String)>,
    /// What the webhook answered, each time that it was tried; 0 where the line broke.
    pub answers: Vec<u16>,
    /// Whether it was lost on purpose.
    pub lost: bool,
}

/// A notification on its way.
#[derive(Clone, Debug)]
pub(super) struct Delivery(Push);

impl Delivery {
    pub fn new(channel: &Channel, state: &'static str) -> Self {
        let mut headers = vec![
            ("x-goog-channel-id", channel.id.clone()),
            (
                "x-goog-channel-expiration",
                channel.expires.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ),
            ("x-goog-resource-id", channel.resource.clone()),
            ("x-goog-resource-uri", channel.uri.clone()),
            ("x-goog-resource-state", state.to_owned()),
            ("x-goog-message-number", channel.number.to_string()),
            (
                "user-agent",
                "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
                    .to_owned(),
            ),
        ];
        headers.extend(channel.token.clone().map(|token| ("x-goog-channel-token", token)));
        let (channel, calendar, number, address) =
            (channel.id.clone(), channel.calendar.clone(), channel.number, channel.address.clone());
        Self(Push {
            channel,
            calendar,
            state,
            number,
            address,
            headers,
            answers: Vec::new(),
            lost: false,
        })
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
    /// The wait before the second try; it doubles each time.
    pub retry: Duration,
    /// How often at most it is tried.
    pub tries: u32,
    /// The `sync` message comes before `events.watch` is answered.
    pub greets_first: bool,
}

impl Default for Way {
    fn default() -> Self {
        let (delay, retry) = (Duration::ZERO, Duration::from_millis(500));
        Self { lose: 0, double: false, hold: false, delay, retry, tries: 8, greets_first: false }
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
    sent: Vec<Push>,
    /// How many of them were forgotten.
    cleared: usize,
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

    /// Lets go of what was held back, one after the other, and waits until all have been answered.
    pub async fn release(&self) {
        self.deliver_all(false).await;
    }

    /// Likewise, the newest first.
    pub async fn release_reversed(&self) {
        self.deliver_all(true).await;
    }

    async fn deliver_all(&self, reversed: bool) {
        let (mut held, way) = {
            let mut state = self.state();
            (std::mem::take(&mut state.held), state.way.clone())
        };
        if reversed {
            held.reverse();
        }
        for place in held {
            self.deliver(place, &way).await;
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

    pub(super) fn greets_first(&self) -> bool {
        self.state().way.greets_first
    }

    /// Sends these off.
    pub(super) fn post(&self, deliveries: Vec<Delivery>) {
        let mut state = self.state();
        for Delivery(mut push) in deliveries {
            push.lost = state.way.lose > 0;
            if push.lost && state.way.lose != usize::MAX {
                state.way.lose -= 1;
            }
            let (place, lost) = (state.sent.len(), push.lost);
            state.sent.push(push);
            let times = if state.way.double { 2 } else { 1 };
            if lost {
                continue;
            }
            if state.way.hold {
                state.held.extend(std::iter::repeat_n(place, times));
                continue;
            }
            for _ in 0..times {
                let (pushes, way) = (self.clone(), state.way.clone());
                self.0.under_way.fetch_add(1, Ordering::AcqRel);
                self.0.runtime.spawn(async move {
                    tokio::time::sleep(way.delay).await;
                    pushes.deliver(place, &way).await;
                    pushes.0.under_way.fetch_sub(1, Ordering::AcqRel);
                    pushes.0.arrived.notify_waiters();
                });
            }
        }
    }

    async fn deliver(&self, place: usize, way: &Way) {
        let Some(push) = self.state().sent.get(place).cloned() else { return };
        if push.address.scheme() != "http" {
            return;
        }
        let headers: Vec<(&str, &str)> = push
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain([("content-length", "0")])
            .collect();
        let (client, mut wait) = (Client::new(&push.address), way.retry);
        for _ in 0..way.tries {
            let status = client
                .send("POST", push.address.as_str(), &headers, "")
                .await
                .map_or(0, |answer| answer.status);
            if let Some(push) = self.state().sent.get_mut(place) {
                push.answers.push(status);
            }
            if !matches!(status, 0 | 500 | 502 | 503 | 504) {
                return;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
