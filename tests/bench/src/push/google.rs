//! Google, simulated.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use simulators::google::{Calendar, Server};
use simulators::traffic::Counts;

use super::cloud::{Aims, Call, Cloud, Hour};

impl Cloud for Server {
    type Calendar = Calendar;

    const NAME: &'static str = "google";

    const AIMS: Aims = Aims {
        half: Duration::from_millis(500),
        most: Duration::from_secs(1),
        new: 2.0,
        burst: 8,
        note: "Writes to one calendar take turns, five a second at the most: Google wants it so.",
    };

    async fn start() -> anyhow::Result<Self> {
        Self::start().await
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        Self::settings(self).into_iter().collect()
    }

    fn person(&self, address: &str) -> (Calendar, String, String) {
        let account = self.account(address);
        (account.primary(), address.to_owned(), account.refresh_token())
    }

    fn begin(&self, latency: Duration) {
        self.manners(|manners| manners.latency = latency);
        self.pushes().way(|way| way.hold = true);
    }

    fn watches(&self) -> usize {
        self.channels().len()
    }

    fn add(calendar: &Calendar, event: &Hour) -> String {
        let time = |time: &str| json!({ "dateTime": format!("{time}Z") });
        let Hour { title, start, end } = event;
        calendar.add(json!({ "summary": title, "start": time(start), "end": time(end) }))
    }

    fn rename(calendar: &Calendar, id: &str, title: &str) -> bool {
        calendar.patch(id, json!({ "summary": title }))
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

    fn outbox(&self) -> impl FnMut() -> Vec<Call> + Send + 'static {
        let (pushes, mut given) = (self.pushes().clone(), 0);
        move || {
            let sent = pushes.sent();
            let new = sent.iter().skip(given).map(|push| Call {
                path: "/webhooks/google",
                headers: push.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
                body: String::new(),
            });
            let calls = new.collect();
            given = sent.len();
            calls
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.violations().is_empty(), "{:?}", self.violations());
        let met = self.mails() + self.propagated() + self.refused_by_quota();
        ensure!(met == 0, "mails, or quotas");
        Ok(())
    }
}
