//! Microsoft Graph, simulated.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use simulators::graph::{Calendar, Graph};
use simulators::traffic::Counts;

use super::cloud::{Aims, Call, Cloud, Hour};

/// Requests to one mailbox at once; one more is throttled.
pub const CONCURRENCY: usize = 3;

impl Cloud for Graph {
    type Calendar = Calendar;

    const NAME: &'static str = "microsoft";

    const AIMS: Aims = Aims {
        half: Duration::from_millis(600),
        most: Duration::from_millis(1_200),
        new: 3.0,
        burst: 8 + super::BURST as u64,
        note: "A round of changes leaves marks out, so a new event is read once. Three requests to \
               one mailbox at once at the most: one more is throttled.",
    };

    async fn start() -> anyhow::Result<Self> {
        Self::start().await
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        Self::settings(self)
    }

    fn person(&self, address: &str) -> (Calendar, String, String) {
        let account = self.account(address);
        (account.primary(), "Calendar".to_owned(), account.refresh_token())
    }

    fn begin(&self, latency: Duration) {
        self.manners(|manners| {
            manners.latency = latency;
            manners.concurrency = CONCURRENCY;
        });
        self.pushes().way(|way| way.hold = true);
    }

    fn watches(&self) -> usize {
        self.subscriptions().len()
    }

    fn add(calendar: &Calendar, event: &Hour) -> String {
        let time = |time: &str| json!({ "dateTime": time, "timeZone": "UTC" });
        let Hour { title, start, end } = event;
        calendar.add(json!({ "subject": title, "start": time(start), "end": time(end) }))
    }

    fn rename(calendar: &Calendar, id: &str, title: &str) -> bool {
        calendar.patch(id, json!({ "subject": title }))
    }

    fn has(calendar: &Calendar, title: &str) -> bool {
        calendar.find(title).is_some()
    }

    fn len(calendar: &Calendar) -> usize {
        calendar.len()
    }

    fn counts(&self) -> Counts {
        Self::counts(self)
    }

    fn reset_counts(&self) {
        Self::reset_counts(self);
    }

    /// What was made since the last call goes in one call, as Microsoft gathers notifications.
    fn outbox(&self) -> impl FnMut() -> Vec<Call> + Send + 'static {
        let (pushes, mut given) = (self.pushes().clone(), 0);
        move || {
            let sent = pushes.sent();
            let items: Vec<_> = sent.iter().skip(given).map(|push| push.item.clone()).collect();
            given = sent.len();
            if items.is_empty() {
                return Vec::new();
            }
            vec![call(&items)]
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.violations().is_empty(), "{:?}", self.violations());
        ensure!(self.mails() + self.throttled() == 0, "mails, or throttled requests");
        Ok(())
    }
}

/// One call with these notifications.
pub fn call(items: &[serde_json::Value]) -> Call {
    let body = json!({ "value": items }).to_string();
    let headers = [("content-type", "application/json; charset=utf-8".to_owned())];
    Call {
        path: "/webhooks/microsoft",
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body,
    }
}
