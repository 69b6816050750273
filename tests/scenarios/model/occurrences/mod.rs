//! Microsoft 365 at one end or both, where a series of one end may be single events at the other:
//! what people see is compared occurrence by occurrence.
//!
//! An event that one person alone edits between two moments of rest has to be shown at both ends as
//! that person has left it. Of one that both edit, each occurrence is as one of them has left it,
//! both ends show the same, and nothing is doubled.

mod calm;
mod check;
mod fact;
mod hands;
mod setting;

use std::time::Duration;

use anyhow::{Context as _, Result};
use jobs::SyncOptions;
use simulators::faults::{Fault, On};
use simulators::rng::Rng;

use self::fact::Fact;
use self::hands::{Edit, Hand};
pub use self::setting::Other;
use self::setting::{Servers, Setting};
use super::simulation::line;
use crate::support::installation::{Installation, Terms};
use crate::support::interrupt::KillAfter;

/// How many times a simulation comes to rest.
const EPOCHS: usize = 3;

/// One seed.
struct Simulation {
    rng: Rng,
    terms: Terms,
    installation: Installation,
    servers: Servers,
    /// Where the pair goes from, and where to.
    hands: [Hand; 2],
    facts: Vec<Fact>,
    /// Times, titles and places given out.
    given: usize,
    trace: Vec<String>,
}

/// Runs the simulation of a seed.
pub async fn run_seed(seed: u64, other: Other) -> Result<()> {
    let mut rng = Rng::new(seed);
    let Setting { terms, installation, servers, hands } = setting::of(&mut rng, other).await?;
    let (facts, trace) = (Vec::new(), Vec::new());
    let mut simulation =
        Simulation { rng, terms, installation, servers, hands, facts, given: 0, trace };
    let result = simulation.run().await;
    if result.is_err() {
        simulation.show_all().await?;
    }
    let manners = simulation.servers.manners();
    result.with_context(|| {
        format!("{other:?} {terms:?} {manners}\n    {}", simulation.trace.join("\n    "))
    })
}

impl Simulation {
    async fn run(&mut self) -> Result<()> {
        for side in 0..2 {
            self.hands[side]
                .make(&format!("anchor{side}"), "20260330T0700", ["Anchor", ""], 1)
                .await?;
        }
        // What is made in the first second of a pass may be what the pass made.
        self.wait(3600);
        for _ in 0..3 {
            self.make().await?;
        }
        for epoch in 0..EPOCHS {
            self.trace.push(format!("epoch {epoch}"));
            for _ in 0..4 + self.rng.below(8) {
                match self.rng.below(20) {
                    0..=11 => self.edit().await?,
                    12..=17 => self.faulty_pass().await?,
                    _ => self.mischief(),
                }
            }
            self.rest().await?;
            self.check_at_rest().await?;
        }
        self.servers.check()
    }

    /// What is shown at both ends, and what is remembered, for the trace of a failed simulation.
    async fn show_all(&mut self) -> Result<()> {
        for (side, hand) in self.hands.iter().enumerate() {
            for (start, title, place) in hand.shown().await? {
                self.trace.push(format!("side {side} shows {start} {title} {place}"));
            }
        }
        let Installation { scope, pair, .. } = &self.installation;
        let rows = scope.store.scan(store::Table::Pairs, pair.id.as_str(), "m:", None, 10_000);
        self.trace.extend(rows.await?.into_iter().map(|row| row.value));
        Ok(())
    }

    fn word(&mut self, letter: &str, number: usize) -> String {
        self.given += 1;
        format!("{letter}{number}v{}", self.given)
    }

    fn is_source(&self, side: usize) -> bool {
        self.terms.two_way || side == 0
    }

    fn is_private(&self) -> bool {
        self.terms.private || self.terms.private_back
    }

    async fn make(&mut self) -> Result<()> {
        let side = if self.terms.two_way { self.rng.below(2) } else { 0 };
        let (number, n) = (self.facts.len(), self.given);
        let repeats = if self.rng.chance(0.45) { 3 + self.rng.below(6) } else { 1 };
        // No time is used twice.
        let day = format!("2026{:02}{:02}", 4 + n % 5, 1 + n / 5 % 27);
        let time = match repeats {
            1 if self.rng.chance(0.2) => day,
            _ => format!("{day}T{:02}{:02}", 7 + number % 10, number / 10 * 10 % 40),
        };
        let (title, place) = (self.word("E", number), self.word("L", number));
        self.hands[side].make(&format!("e{number}"), &time, [&title, &place], repeats).await?;
        self.trace.push(format!("side {side} makes E{number} at {time}, {repeats} times"));
        let mut fact = Fact::new(number, side, repeats > 1);
        fact.says(side, self.hands[side].of(&fact.prefix()).await?);
        self.facts.push(fact);
        Ok(())
    }

    async fn edit(&mut self) -> Result<()> {
        let alive: Vec<usize> = (0..self.facts.len()).filter(|i| !self.facts[*i].over).collect();
        if alive.len() < 3 || self.rng.chance(0.25) {
            return self.make().await;
        }
        let Some(&i) = self.rng.pick(&alive) else { return Ok(()) };
        let fact = &self.facts[i];
        let any = if self.rng.chance(0.2) {
            self.rng.below(2)
        } else {
            fact.last.unwrap_or(self.rng.below(2))
        };
        let side = if !self.terms.two_way || self.is_private() { fact.side } else { any };
        let (number, prefix) = (fact.number, fact.prefix());
        let nth = self.rng.below(8);
        let edit = match self.rng.below(14) {
            0 | 1 => Edit::Title(self.word("E", number)),
            2 => Edit::Place(self.word("L", number)),
            3 | 4 => Edit::Hour([6, 18, 19][self.rng.below(3)]),
            5 => Edit::Shorter,
            6 | 7 => Edit::OneTitle(nth, self.word("E", number)),
            8 | 9 => {
                self.given += 1;
                Edit::OneTime(nth, (self.given % 38) as i8)
            }
            10 | 11 => Edit::OneGone(nth),
            _ => Edit::Gone,
        };
        // Places are compared by titles, which the occurrences of a series share.
        if self.facts[i].repeats && matches!(edit, Edit::Place(_)) {
            return Ok(());
        }
        let item = self.rng.below(8);
        if !self.hands[side].edit(&prefix, item, &edit).await? {
            return Ok(());
        }
        self.trace.push(format!("side {side} edits E{number}, item {item}: {edit:?}"));
        let shown = self.hands[side].of(&prefix).await?;
        self.facts[i].says(side, shown);
        self.facts[i].reshaped |= matches!(edit, Edit::Hour(_) | Edit::Shorter);
        Ok(())
    }

    fn mischief(&mut self) {
        let side = self.rng.below(2);
        let words = match (self.rng.below(4), &self.hands[side]) {
            (0, Hand::Outlook(calendar)) => {
                calendar.forget_states();
                "forgets its sync states"
            }
            (1, Hand::Outlook(calendar)) => {
                calendar.touch_all();
                "saves everything again"
            }
            (2, Hand::Outlook(calendar)) => {
                calendar.changes_id();
                "has another id"
            }
            _ => {
                let hours = [1, 5, 30][self.rng.below(3)];
                self.wait(hours * 3600);
                self.trace.push(format!("{hours} hours pass"));
                return;
            }
        };
        self.trace.push(format!("the calendar of side {side} {words}"));
    }

    fn wait(&self, seconds: i64) {
        self.installation.wait(seconds);
        self.servers.wait(seconds);
    }

    /// A pass that meets faults, or whose process is killed at some await, or both.
    async fn faulty_pass(&mut self) -> Result<()> {
        let seed = self.rng.number();
        let odds = [0.0, 0.03, 0.12][self.rng.below(3)];
        if odds > 0.0 {
            self.servers
                .each_faults(|faults| faults.randomly(seed, odds, On::any(), Fault::PASSING));
        }
        let options = SyncOptions { full: self.rng.chance(0.15), ..SyncOptions::default() };
        if self.rng.chance(0.45) {
            let most = if self.rng.chance(0.5) { 60 } else { 600 };
            let polls = 1 + self.rng.below(most);
            let inner = Box::pin(self.installation.sync_with(options));
            let survived = KillAfter { polls, inner }.await;
            self.trace.push(match &survived {
                Some(run) => format!("pass: {}", line(run)),
                None => format!("pass killed after {polls} polls"),
            });
            drop(survived);
            // What the dead process had already handed to the system comes to its end before the
            // next one starts.
            tokio::time::sleep(Duration::from_millis(15)).await;
            self.installation.restart().await?;
        } else {
            let run = self.installation.sync_with(options).await;
            self.trace.push(format!("pass (faults {odds}): {}", line(&run)));
        }
        let met = self.servers.struck();
        if !met.is_empty() {
            self.trace.push(format!("  it met {}", met.join(", ")));
        }
        self.servers.each_faults(|faults| faults.clear());
        Ok(())
    }
}
