//! Simulations without a request for a pass: notifications, messages and timers drive everything.
//! The simulation decides what goes wrong on the way.
//!
//! Where nothing was lost for good, everything is at rest within an hour and a quarter after the
//! faults have stopped; where a call was lost, after the next night. A process that dies does not
//! come back with a look at everything, as the standalone host does: that would hide what was lost.

mod faults;
mod rest;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use jobs::{Scope, Setup};
use simulators::faults::{Fault, On};
use simulators::google::{self, Push};

use super::functions;
use super::state::{EPOCHS, Simulation};
use crate::support::clock::START;
use crate::support::interrupt::KillAfter;
use crate::support::servers::Server;

impl Simulation {
    pub(super) async fn run_pushed(&mut self) -> Result<()> {
        self.google().clock().stand_at(START.parse()?);
        self.google().pushes().way(|way| way.hold = true);
        self.env.scope.services.setup = Arc::new(Setup {
            public_url: Some("https://calendars.example.org".into()),
            ..Setup::default()
        });
        self.place_bystander().await?;
        for epoch in 0..EPOCHS {
            self.trace.push(format!("epoch {epoch}"));
            for _ in 0..6 + self.rng.below(12) {
                match self.rng.below(18) {
                    0..=5 => self.edit().await?,
                    6..=8 => self.calls().await?,
                    9..=11 => self.messages().await?,
                    12 => self.wait_shortly().await?,
                    13 => self.hours().await?,
                    14 => self.trouble().await?,
                    15..=16 => self.edit_rapidly().await?,
                    _ => self.outage().await?,
                }
            }
            self.rest_by_itself().await?;
            self.check_at_rest().await?;
        }
        self.ends_well().await?;
        self.env.check_servers()
    }

    fn google(&self) -> &google::Server {
        let google = self.env.servers.iter().find_map(|host| {
            if let Server::Google(server) = host { Some(server.as_ref()) } else { None }
        });
        google.expect("Google is in every pair here")
    }

    fn scope(&self) -> Scope {
        self.env.scope.clone()
    }

    fn pass_time(&self, seconds: i64) {
        self.env.wait(seconds);
        self.google().clock().advance(SignedDuration::from_secs(seconds));
    }

    /// What Google has sent since is on its way.
    fn collect(&mut self) {
        let sent = self.google().pushes().sent();
        self.mail.waiting.extend_from_slice(&sent[self.mail.known..]);
        self.mail.known = sent.len();
    }

    /// The process dies, and the next one knows nothing.
    async fn restart_process(&mut self) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(15)).await;
        self.env.restart().await
    }

    /// Some calls arrive, in any order; some twice, some never.
    async fn calls(&mut self) -> Result<()> {
        self.collect();
        for _ in 0..self.mail.waiting.len().min(1 + self.rng.below(4)) {
            let push = self.mail.waiting.swap_remove(self.rng.below(self.mail.waiting.len()));
            let what = format!("{} of {}", push.state, push.calendar);
            if self.rng.chance(0.06) {
                self.mail.lost |= push.state != "sync";
                self.trace.push(format!("a call is lost: {what}"));
                continue;
            }
            if self.rng.chance(0.15) {
                self.mail.waiting.push(push.clone());
            }
            self.deliver(push, what).await?;
        }
        Ok(())
    }

    /// A call, in whose middle the process may die: then Google calls again.
    async fn deliver(&mut self, push: Push, what: String) -> Result<()> {
        let scope = self.scope();
        let polls = if self.rng.chance(0.1) { 1 + self.rng.below(30) } else { usize::MAX };
        let answer = KillAfter { polls, inner: Box::pin(functions::call(&scope, &push)) }
            .await
            .transpose()?;
        self.trace.push(format!("a call: {what}, answered {answer:?}"));
        drop(scope);
        match answer {
            Some(200) => {}
            Some(503) => self.mail.waiting.push(push),
            Some(other) => anyhow::bail!("a call is answered {other}"),
            None => {
                self.mail.waiting.push(push);
                self.restart_process().await?;
            }
        }
        Ok(())
    }

    /// Some messages are worked on, while calls come in; with faults, and processes that die.
    async fn messages(&mut self) -> Result<()> {
        for _ in 0..1 + self.rng.below(3) {
            let Some((message, name)) = functions::take(&self.scope()).await? else {
                return Ok(());
            };
            self.passes += 1;
            let seed = self.rng.number();
            let odds = [0.0, 0.03, 0.12][self.rng.below(3)];
            for host in self.env.servers.iter().filter(|_| odds > 0.0) {
                host.faults().randomly(seed, odds, On::any(), Fault::PASSING);
            }
            self.refusal();
            self.collect();
            let meanwhile = (!self.mail.waiting.is_empty() && self.rng.chance(0.3)).then(|| {
                let one = self.rng.below(self.mail.waiting.len());
                self.mail.waiting.swap_remove(one)
            });
            let most = if self.rng.chance(0.5) { 60 } else { 600 };
            let polls = if self.rng.chance(0.3) { 1 + self.rng.below(most) } else { usize::MAX };
            let scope = self.scope();
            // Google's notifications during a pass may arrive during that pass: before a watch
            // request is answered, and for every single write.
            let (quick, pushes, known, over) = (
                self.rng.chance(0.25),
                self.google().pushes().clone(),
                self.mail.known,
                AtomicBool::new(false),
            );
            let both = async {
                let worked = async {
                    let worked = functions::work(&scope, &message, name).await;
                    over.store(true, Ordering::Relaxed);
                    worked
                };
                let called = async {
                    let called = match &meanwhile {
                        Some(push) => Some(functions::call(&scope, push).await?),
                        None => None,
                    };
                    let mut delivered = known;
                    while quick && !over.load(Ordering::Relaxed) {
                        match pushes.sent().get(delivered) {
                            Some(push) if functions::call(&scope, push).await? == 200 => {
                                delivered += 1
                            }
                            _ => tokio::time::sleep(Duration::from_millis(1)).await,
                        }
                    }
                    anyhow::Ok((called, delivered))
                };
                let (worked, called) = futures::join!(worked, called);
                let (called, delivered) = called?;
                anyhow::Ok((worked?, called, delivered))
            };
            let done = KillAfter { polls, inner: Box::pin(both) }.await.transpose()?;
            if let Some((.., delivered)) = &done {
                self.mail.known = *delivered;
            }
            drop(scope);
            self.trace.push(match &done {
                Some((worked, called, delivered)) => {
                    let end = if *worked { "done" } else { "comes back" };
                    format!(
                        "{name} (faults {odds}): {end}, called {called:?} and {} times more",
                        delivered - known
                    )
                }
                None => format!("{name}: killed after {polls} polls"),
            });
            if done.as_ref().is_none_or(|(_, called, _)| called.is_some_and(|status| status != 200))
            {
                self.mail.waiting.extend(meanwhile);
            }
            if done.is_none() {
                self.restart_process().await?;
            }
            self.calm();
        }
        Ok(())
    }

    /// An edit, its notification and its pass, again within seconds.
    async fn edit_rapidly(&mut self) -> Result<()> {
        for _ in 0..2 + self.rng.below(2) {
            self.edit().await?;
            self.collect();
            for push in std::mem::take(&mut self.mail.waiting) {
                ensure!(functions::call(&self.scope(), &push).await? == 200, "a call is refused");
            }
            self.all_messages().await?;
            let seconds = 1 + self.rng.below(3) as i64;
            self.pass_time(seconds);
        }
        self.trace.push("edits, calls and work within seconds".into());
        Ok(())
    }

    fn calm(&self) {
        self.env.servers.iter().for_each(|host| host.faults().clear());
    }

    /// Some seconds or minutes, and a poll.
    async fn wait_shortly(&mut self) -> Result<()> {
        let seconds = [2, 7, 40, 300][self.rng.below(4)];
        self.pass_time(seconds);
        functions::tick(&self.scope(), "poll_caldav", false).await?;
        self.trace.push(format!("{seconds} s, and a poll"));
        Ok(())
    }

    /// Some hours with running processes: each hour runs its timers and the work that they lead to.
    async fn hours(&mut self) -> Result<()> {
        let hours = [1, 4, 30, 150][self.rng.below(4)];
        self.trace.push(format!("{hours} hours"));
        for _ in 0..hours {
            self.hour().await?;
        }
        Ok(())
    }

    async fn hour(&mut self) -> Result<()> {
        let before = self.google().clock().now();
        self.pass_time(3600);
        let scope = self.scope();
        functions::tick(&scope, "poll_caldav", false).await?;
        functions::tick(&scope, "renew_google_channels", false).await?;
        // At half past two by UTC.
        let of_night = |at: jiff::Timestamp| (at.as_second() - 9_000).div_euclid(86_400);
        if of_night(before) != of_night(self.google().clock().now()) {
            functions::tick(&scope, "reconcile", false).await?;
        }
        self.all_messages().await.map(drop)
    }

    /// Works on everything that can be seen, with all well.
    async fn all_messages(&mut self) -> Result<usize> {
        let (scope, mut done) = (self.scope(), 0);
        while let Some((message, name)) = functions::take(&scope).await? {
            self.passes += 1;
            functions::work(&scope, &message, name).await?;
            done += 1;
            ensure!(done < 500, "it nudges itself for ever");
        }
        Ok(done)
    }
}
