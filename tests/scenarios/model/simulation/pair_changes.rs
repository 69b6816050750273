//! What happens to a whole pair between two epochs.

use anyhow::{Context as _, Result, ensure};
use jobs::SyncOptions;
use simulators::person::Person;

use super::passes::line;
use super::state::{Emptied, Mode, Simulation};
use crate::model::edits;
use crate::model::expected::{self, Bond, Fact};
use crate::support::installation::{Terms, new_pair};
use crate::support::product;

/// Copies that have to be there before a server that names each of them as removed is one that was
/// emptied.
const EMPTIED: usize = 5;

impl Simulation {
    /// The beginning of a simulation: an event outside the pair, and perhaps another installation.
    pub(super) async fn begin(&mut self) -> Result<()> {
        if !self.rules.terms.two_way && self.rng.chance(0.25) {
            self.rules.terms.private_back = self.rng.chance(0.3);
            self.rules.has_second = true;
            let mut second = self.env.beside(8).await?;
            let ends = [
                second.ends[0].connect(&second.scope).await?,
                second.ends[1].connect(&second.scope).await?,
            ];
            second.replace_pair([&ends[1], &ends[0]], self.rules.second()).await?;
            self.second = Some(second);
            self.trace.push("another installation goes the other way".into());
        }
        self.place_bystander().await
    }

    /// One-way: an event of the target's owner, which must stay as it is, byte for byte.
    pub(super) async fn place_bystander(&mut self) -> Result<()> {
        if self.rules.is_source(1) {
            return Ok(());
        }
        let number = self.facts.len() as u32;
        let (time, title) = ("20260401T230000Z".to_owned(), self.word("E", number));
        self.env.people[1]
            .put("own.ics", &edits::event("own", &time, &title, "Home", false))
            .await?;
        let mut fact = Fact::new(number, 1, false, expected::plain(time, title, "Home".to_owned()));
        fact.bond = Bond::Apart;
        self.facts.push(fact);
        self.unrelated = self.env.people[1].get("own.ics").await?;
        Ok(())
    }

    /// Most simulations meet one or two.
    pub(super) async fn change_pair(&mut self) -> Result<()> {
        if self.rng.chance(0.4) {
            return Ok(());
        }
        match self.rng.below(10) {
            0..=5 => self.recreate_pair().await,
            6..=7 => self.empty().await,
            _ if self.facts.iter().any(|fact| fact.foreign) => self.take_over().await,
            _ => self.a_pair_too_many().await,
        }
    }

    /// A calendar is emptied or recreated, and its owner is going to answer.
    async fn empty(&mut self) -> Result<()> {
        let side = if self.rules.terms.two_way { self.rng.below(2) } else { 1 - self.rules.from };
        let is_there = |fact: &&Fact| !fact.over && fact.bond == Bond::Kept && !fact.suppressed;
        let copies = self.facts.iter().filter(is_there).filter(|fact| fact.side != side).count();
        let origins = self.facts.iter().filter(is_there).count() - copies;
        if self.rules.has_second || copies == 0 {
            return Ok(());
        }
        // Where each event is named as removed, a few are a person's deletions.
        let may_be_cleared = copies >= EMPTIED && origins == 0;
        let how = match &self.env.people[side] {
            Person::Near(calendar) if may_be_cleared && self.rng.chance(0.5) => {
                calendar.clear();
                "emptied"
            }
            Person::Near(calendar) => {
                calendar.replace();
                "recreated"
            }
            Person::Google(calendar) if may_be_cleared => {
                calendar.clear();
                "emptied"
            }
            Person::Google(_) | Person::Far(_) => return Ok(()),
        };
        let make_again = self.rng.chance(0.6);
        self.emptied = Some(Emptied { side, make_again });
        self.unrelated = None;
        // What was left out before, and is on this side alone.
        for fact in self.facts.iter_mut().filter(|fact| {
            !fact.over && fact.suppressed && fact.bond == Bond::Kept && fact.side == side
        }) {
            fact.delete(side, self.passes);
        }
        self.trace.push(format!("side {side} is {how}; to be made again: {make_again}"));
        for fact in self.facts.iter_mut().filter(|fact| !fact.over && fact.bond != Bond::Kept) {
            fact.own[side] = None;
            fact.over = fact.is_nowhere();
            if fact.own[1 - side].is_some() && self.rules.is_source(1 - side) {
                fact.bond = Bond::Open;
            }
        }
        Ok(())
    }

    /// The owner pairs a calendar with its own share, or the share with the other calendar: refused
    /// at once or stopped, and nothing grows.
    async fn a_pair_too_many(&mut self) -> Result<()> {
        let side = self.rng.below(2);
        // Two calendars of which nothing is known may be any two.
        if self.rules.has_second
            || matches!(self.mode, Mode::Real)
            || self.env.people[side].objects().await?.is_empty()
        {
            return Ok(());
        }
        let share = self.share(side)?.connect(&self.env.scope).await?;
        let ends = self.connected().await?;
        let itself = self.rng.chance(0.5);
        let other = if itself { &ends[side].calendar } else { &ends[1 - side].calendar };
        let shared_first = if itself { self.rng.chance(0.5) } else { side == self.rules.from };
        let [from, to] =
            if shared_first { [&share.calendar, other] } else { [other, &share.calendar] };
        let terms = Terms { two_way: self.rng.chance(0.5), ..Terms::default() };
        let scope = &self.env.scope;
        let before =
            [self.env.people[0].objects().await?.len(), self.env.people[1].objects().await?.len()];
        let what = if itself {
            format!("side {side} is paired with itself")
        } else {
            format!("side {side} is paired a second time")
        };
        match product::add_pair(scope, new_pair([from, to], terms)).await {
            Err(jobs::Error::NotPaired { .. }) => self.trace.push(format!("{what}: refused")),
            Err(error) => return Err(error).context(what),
            Ok(pair) => {
                let mut said = Vec::new();
                for _ in 0..3 {
                    said.push(line(&self.env.sync_pair(&pair, SyncOptions::default()).await?));
                    said.push(line(&self.env.sync().await));
                }
                product::remove_pair(scope, &pair.id).await?;
                self.trace.push(format!("{what}: {said:?}"));
                let after = [
                    self.env.people[0].objects().await?.len(),
                    self.env.people[1].objects().await?.len(),
                ];
                ensure!(before == after, "{what}, and {before:?} events have become {after:?}");
            }
        }
        // The share is the way to a calendar of this pair by now, where the two accounts are one to
        // the product: it is only taken away where they are not.
        if ends.iter().all(|end| end.account != share.account) {
            product::remove_account(scope, &share.account).await?;
        }
        Ok(())
    }
}
