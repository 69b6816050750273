//! Pairs that are removed and added again: in either direction, with and without `--private`,
//! through accounts that were removed and connected again by another address, through a share, and
//! after all data were lost.

use anyhow::{Context as _, Result};
use simulators::person::Person;

use super::rules::Rules;
use super::state::{Mode, Simulation};
use crate::model::expected::{Bond, Fact};
use crate::support::installation::{Connected, Terms};
use crate::support::product;

impl Simulation {
    /// The pair ends; people may edit while there is none; then there is another one.
    pub(super) async fn recreate_pair(&mut self) -> Result<()> {
        let lost = self.rng.chance(0.25);
        self.end_pair(lost).await?;
        for _ in 0..self.rng.below(4) {
            self.edit().await?;
        }
        if !lost && self.rng.chance(0.5) {
            self.other_accounts().await?;
        }
        self.begin_pair().await?;
        if self.facts.iter().any(|fact| fact.foreign) && self.rng.chance(0.6) {
            self.take_over().await?;
        }
        Ok(())
    }

    /// What is there belongs to no pair any more. `lost`: nor does anything know of it.
    async fn end_pair(&mut self, lost: bool) -> Result<()> {
        for i in 0..self.facts.len() {
            if self.facts[i].over {
                continue;
            }
            self.look_again(i).await?;
            let keys = self.keys_of(i).await?;
            let fact = &mut self.facts[i];
            // Marks that only the other installation can verify, or that nothing can any more.
            fact.foreign |= lost || (self.rules.has_second && fact.side != self.rules.from);
            if lost {
                self.lost_keys.extend(keys);
            }
            (fact.bond, fact.suppressed) = (Bond::Apart, false);
            (fact.actions, fact.drift) = Default::default();
        }
        self.rules.paired = false;
        self.second = None;
        self.unrelated = None;
        self.lost |= lost;
        if lost {
            self.env.lose(20 + self.passes as u8).await?;
            self.trace.push("all data are lost".into());
        } else {
            product::remove_pair(&self.env.scope, &self.env.pair.id).await?;
            self.trace.push("the pair ends".into());
        }
        Ok(())
    }

    async fn begin_pair(&mut self) -> Result<()> {
        let two_way = self.rng.chance(0.6);
        let terms = Terms {
            two_way,
            private: self.rng.chance(0.3),
            private_back: two_way && self.rng.chance(0.2),
        };
        self.rules = Rules { terms, from: self.rng.below(2), has_second: false, paired: true };
        let ends = self.connected().await?;
        let [from, to] = [&ends[self.rules.from], &ends[1 - self.rules.from]];
        self.env.replace_pair([from, to], terms).await.context("the pair is added again")?;
        self.trace.push(format!("a pair from side {}: {terms:?}", self.rules.from));
        self.relink(false).await
    }

    /// The keys of the marks that an event bears.
    async fn keys_of(&self, i: usize) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for side in 0..2 {
            for (entry, _) in self.look(i, side).await? {
                let text = self.env.people[side].get(&entry.name).await?.unwrap_or_default();
                keys.extend(
                    self.mark_text(side, &entry.name, &text)
                        .and_then(|mark| mark.split('.').nth(1).map(str::to_owned)),
                );
            }
        }
        Ok(keys)
    }

    /// Both ends, connected as they are reached now.
    pub(super) async fn connected(&self) -> Result<[Connected; 2]> {
        let env = &self.env;
        Ok([env.ends[0].connect(&env.scope).await?, env.ends[1].connect(&env.scope).await?])
    }

    /// The owner says that what other installations have left belongs to this pair.
    pub(super) async fn take_over(&mut self) -> Result<()> {
        jobs::pairs::take_over(&self.env.scope, &self.env.pair.id).await?;
        self.trace.push("what others have left is taken over".into());
        let foreign: Vec<bool> =
            self.facts.iter_mut().map(|fact| std::mem::take(&mut fact.foreign)).collect();
        self.relink(true).await?;
        // What this pair has no use for keeps its mark.
        for (fact, foreign) in self.facts.iter_mut().zip(foreign) {
            fact.foreign = foreign && fact.bond != Bond::Kept;
            fact.claimed |= foreign;
        }
        Ok(())
    }

    /// What becomes of events that no pair has to do with, by the rules in force. `claims`: the
    /// owner has just said that all are this pair's.
    async fn relink(&mut self, claims: bool) -> Result<()> {
        for i in 0..self.facts.len() {
            if self.facts[i].over || self.facts[i].bond == Bond::Kept {
                continue;
            }
            let mut marks = [Mark::None; 2];
            for (side, mark) in marks.iter_mut().enumerate() {
                if let Some((entry, _)) = self.look(i, side).await?.into_iter().next() {
                    let text = self.env.people[side].get(&entry.name).await?.unwrap_or_default();
                    *mark = self.mark(side, &entry.name, &text);
                }
            }
            // What was claimed without its origin bears the former mark still.
            let is_lost = self.keys_of(i).await?.iter().any(|key| self.lost_keys.contains(key));
            self.facts[i].foreign |= !claims
                && self.facts[i].claimed
                && is_lost
                && self.facts[i].own.iter().any(Option::is_none);
            let number = self.facts[i].number;
            let has_twin = self.facts.iter().any(|fact| !fact.over && fact.made_of == Some(number));
            let (bond, side) = bond(&self.rules, &self.facts[i], has_twin, marks);
            let fact = &mut self.facts[i];
            fact.bond = bond;
            if bond == Bond::Kept {
                fact.side = side;
                (fact.new, fact.foreign) = (true, false);
                fact.joining = fact.own.iter().all(Option::is_some);
                fact.agreed = fact.own[side].clone().unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Accounts are removed and connected again: unchanged, by another address, or through another
    /// account that sees the same calendar.
    async fn other_accounts(&mut self) -> Result<()> {
        let ends = self.connected().await?;
        for (side, end) in ends.iter().enumerate() {
            match self.rng.below(3) {
                0 => {}
                1 => {
                    product::remove_account(&self.env.scope, &end.account).await?;
                    self.respell(side);
                    self.renew_grant(side);
                    self.trace.push(format!(
                        "side {side} is to be reached at {}",
                        self.env.ends[side].account.url
                    ));
                }
                _ => {
                    if matches!(self.mode, Mode::Real) {
                        continue;
                    }
                    self.env.ends[side] = self.share(side)?;
                    self.trace.push(format!("side {side} is to be reached through a share"));
                }
            }
        }
        Ok(())
    }

    /// A grant at Google that was given back is given again.
    fn renew_grant(&mut self, side: usize) {
        if let Some(server) = self.env.servers[side].google() {
            let account = &mut self.env.installation.ends[side].account;
            account.password = server.account(&account.user).refresh_token();
        }
    }
}

/// What a new pair does with an event, and the side of its origin. `has_twin`: another event has
/// the same mark, because a client has made that event out of this one.
fn bond(rules: &Rules, fact: &Fact, has_twin: bool, marks: [Mark; 2]) -> (Bond, usize) {
    let there = [fact.own[0].is_some(), fact.own[1].is_some()];
    // A client has made it out of a copy, and it still says that it is one; or each side has a copy
    // of what is gone, and which of them was made of the other one is known only as long as the
    // calendars are.
    let is_unsure = |side: usize| {
        marks[side] == Mark::Copy && (fact.shadow || has_twin || marks[1 - side] == Mark::Copy)
    };
    let unsure = |side: usize| if is_unsure(side) { Bond::Open } else { Bond::Kept };
    match there {
        [true, true] if fact.foreign => (Bond::Apart, fact.side),
        [true, true] if rules.terms.two_way || fact.side == rules.from => {
            (unsure(fact.side), fact.side)
        }
        // A copy that an earlier pair has left, seen from its own side: the other side has what it
        // was made of.
        [true, true] => (Bond::Apart, fact.side),
        [false, false] => (Bond::Apart, fact.side),
        [here, _] => {
            let side = usize::from(!here);
            let is_foreign = fact.foreign && marks[side] != Mark::None;
            let bond = match (rules.is_source(side), is_foreign) {
                (false, _) => Bond::Apart,
                // Whose mark a client has kept in it is not followed.
                (true, true) if fact.shadow => Bond::Open,
                (true, true) => Bond::Apart,
                (true, false) => unsure(side),
            };
            (bond, side)
        }
    }
}

/// What an object says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    /// It is a copy.
    Copy,
    /// It is an origin that was made again, or one that began as a copy.
    Origin,
}

impl Simulation {
    pub(super) fn mark_text(&self, side: usize, name: &str, text: &str) -> Option<String> {
        match &self.env.people[side] {
            Person::Google(calendar) => calendar.object_property(name, "calrelayOrigin"),
            Person::Near(_) | Person::Far(_) => {
                let line = simulators::ics::unfold(text)
                    .into_iter()
                    .find(|line| line.starts_with("X-CALRELAY-ORIGIN:"))?;
                Some(line.split_once(':')?.1.to_owned())
            }
        }
    }

    pub(super) fn mark(&self, side: usize, name: &str, text: &str) -> Mark {
        match self.mark_text(side, name, text).as_deref().and_then(|value| value.chars().next()) {
            None => Mark::None,
            Some('r') => Mark::Origin,
            Some(_) => Mark::Copy,
        }
    }
}
