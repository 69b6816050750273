//! Clients that make a second object out of one, and keep properties that they do not know in both.

use anyhow::Result;
use simulators::person::Ending;

use super::repair::Mark;
use super::shown::Shown;
use super::state::Simulation;
use crate::model::edits;
use crate::model::expected::{Aspect, Bond, Fact};

impl Simulation {
    /// An event is duplicated, or a series cut by "this and following"; what is new gets values of
    /// its own at once. Whether anything was done.
    pub(super) async fn clients_copy(&mut self, i: usize, side: usize, name: &str) -> Result<bool> {
        let cut = 1 + self.rng.below(6) as u8;
        let Some(text) = self.env.people[side].get(name).await? else { return Ok(false) };
        let cuts = self.facts[i].series
            && self.rng.chance(0.6)
            && edits::occurrence::takes_place(&text, cut);
        let (number, of) = (self.facts.len() as u32, self.facts[i].number);
        let series = self.facts[i].series;
        let mark = self.mark(side, name, &text);
        let time = if cuts {
            self.slots += 1;
            let at = edits::occurrence::at(&edits::start(&text), cut).unwrap_or_default();
            let n = self.slots;
            format!("{}T{:02}{:02}00", &at[..8], 7 + n / 27 % 12, 1 + n % 9 + n / 9 % 3 * 10)
        } else {
            let day = self.facts[i].times.iter().any(|time| time.len() == 8);
            self.slot(series, day)
        };
        let (title, location) = (self.word("E", number), self.word("L", number));
        let (new, uid) = (format!("e{number}.ics"), format!("person-{number}"));
        let renewed = |ics: &str| edits::renewed(ics, &time, &title, &location, series, cuts);
        let person = &self.env.people[side];
        if cuts {
            let ending = if self.rng.chance(0.5) { Ending::Until } else { Ending::Count };
            let at = edits::occurrence::at(&edits::start(&text), cut).unwrap_or_default();
            if !person.cut(name, &at, ending, (&new, &uid), renewed).await? {
                return Ok(false);
            }
            self.facts[i].edit(side, Aspect::Time, self.passes, edits::start(&text));
            self.trace.push(format!(
                "side {side} cuts E{of} before occurrence {cut}, the rest is E{number} at {time}"
            ));
        } else {
            person.duplicate(name, &new, &uid).await?;
            person.edit(&new, renewed).await?;
            self.trace.push(format!("side {side} duplicates E{of} as E{number} at {time}"));
        }
        let agenda = self.env.people[side].agenda().await?;
        let made = agenda.iter().find(|entry| entry.name == new && entry.original().is_none());
        let mut shows = made.map(|entry| Shown::of(entry, &[]).aspects).unwrap_or_default();
        shows.retain(|aspect, _| !matches!(aspect, Aspect::Occurrence(_)));
        shows.extend([(Aspect::Time, time), (Aspect::Title, title), (Aspect::Location, location)]);
        let mut fact = Fact::new(number, side, series, shows);
        fact.shadow = mark != Mark::None;
        fact.made_of = fact.shadow.then_some(of);
        fact.foreign = mark != Mark::None && self.facts[i].foreign;
        fact.bond = self.bond_of_duplicate(i, side, mark);
        self.facts.push(fact);
        Ok(true)
    }

    /// What becomes of an event that was made out of another one of that side.
    fn bond_of_duplicate(&self, i: usize, side: usize, mark: Mark) -> Bond {
        let of = &self.facts[i];
        if !self.rules.is_source(side) {
            return Bond::Apart;
        }
        match (mark != Mark::None, of.bond) {
            (false, _) => Bond::Kept,
            // No pass has joined the two yet, and which of two equal marks it takes is not said.
            (true, Bond::Kept) if of.joining => Bond::Open,
            // What an ended pair has left and this one copies is still marked as a copy of
            // something else.
            (true, Bond::Kept) if side == of.side && mark == Mark::Copy => Bond::Open,
            // What the owner claimed with the take-over was there then.
            (true, Bond::Kept) if side == of.side && self.lost => Bond::Open,
            // A copy's duplicate is copied back where the pair goes both ways; where not, it is
            // left alone.
            (true, Bond::Kept) if self.rules.terms.two_way => Bond::Kept,
            (true, Bond::Kept) if side != of.side => Bond::Apart,
            (true, _) => Bond::Open,
        }
    }
}
