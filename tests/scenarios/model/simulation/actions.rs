//! Actions of people and servers between two passes.

use anyhow::Result;
use simulators::agenda::Entry;
use simulators::person::Person;

use super::state::Simulation;
use crate::model::edits;
use crate::model::expected::{self, Aspect, Bond, Fact};

impl Simulation {
    pub(super) fn slot(&mut self, series: bool, day: bool) -> String {
        self.slots += 1;
        let n = self.slots;
        let date = format!("2026{:02}{:02}", 4 + (n / 20) % 6, 1 + n % 20);
        match (day, series) {
            (true, _) => format!(
                "{}{:02}",
                ["202610", "202611", "202612", "202701", "202702"][n as usize / 25 % 5],
                1 + n % 25
            ),
            (_, true) => format!("{date}T{:02}{:02}00", 7 + n / 120 % 12, (n / 40 % 4) * 10),
            _ => format!("{date}T{:02}{:02}00Z", 7 + n / 120 % 12, (n / 40 % 4) * 10),
        }
    }

    pub(super) async fn edit(&mut self) -> Result<()> {
        let is_free = |fact: &Fact| !fact.over && matches!(fact.bond, Bond::Kept | Bond::Apart);
        let alive: Vec<usize> =
            (0..self.facts.len()).filter(|i| is_free(&self.facts[*i])).collect();
        if alive.len() < 3 || self.rng.chance(0.25) {
            return self.make().await;
        }
        let Some(&i) = self.rng.pick(&alive) else { return Ok(()) };
        let side = self.rng.below(2);
        let Some(name) = self.entries(i, side).await?.into_iter().next().map(|entry| entry.name)
        else {
            return Ok(());
        };
        self.edit_one(i, side, name).await?;
        if self.facts[i].bond == Bond::Apart {
            self.look_again(i).await?;
            // What kept a pair from copying it may be gone now.
            let is_alone = |side: usize| {
                self.facts[i].own[side].is_some() && self.facts[i].own[1 - side].is_none()
            };
            if (0..2).any(|side| is_alone(side) && self.rules.is_source(side)) {
                self.facts[i].bond = Bond::Open;
            }
        }
        Ok(())
    }

    async fn edit_one(&mut self, i: usize, side: usize, name: String) -> Result<()> {
        if name == "own.ics" {
            self.unrelated = None;
        }
        let number = self.facts[i].number;
        if self.rng.chance(0.15) && self.clients_copy(i, side, &name).await? {
            return Ok(());
        }
        // Of two events with one mark, the one that is left counts as the copy, whichever a person
        // deletes.
        let has_a_twin = self.facts.iter().any(|fact| {
            !fact.over
                && (fact.made_of == Some(number) || self.facts[i].made_of == Some(fact.number))
        });
        if self.rng.chance(0.2) && !has_a_twin {
            self.env.people[side].delete(&name).await?;
            // What was written to it here before went with it, unless a pass had carried it over by
            // then.
            self.facts[i].delete(side, self.passes);
            self.trace.push(format!("side {side} deletes E{number}"));
            return Ok(());
        }
        let series = self.facts[i].series;
        let aspect = match self.rng.below(if series { 5 } else { 3 }) {
            0 => Aspect::Time,
            1 => Aspect::Title,
            2 => Aspect::Location,
            _ => Aspect::Occurrence(1 + self.rng.below(6) as u8),
        };
        if let Aspect::Occurrence(occurrence) = aspect {
            match self.rng.below(5) {
                0 | 1 => {}
                2 | 3 => return self.change(i, side, &name, occurrence).await,
                _ => return self.end(i, side, &name, occurrence).await,
            }
            // To cancel what does not take place is no edit.
            if !self.env.people[side]
                .get(&name)
                .await?
                .is_some_and(|ics| edits::occurrence::takes_place(&ics, occurrence))
            {
                return Ok(());
            }
        }
        // In wide simulations people use all fields, and change values back.
        let aspect = match aspect {
            Aspect::Location if self.is_wide() => {
                [Aspect::Location, Aspect::Description, Aspect::Busy][self.rng.below(3)]
            }
            _ => aspect,
        };
        let value = match self.earlier(i, side, &name, aspect).await? {
            Some(value) => value,
            None => self.another(i, aspect),
        };
        self.env.people[side].edit(&name, |ics| edits::edited(ics, aspect, &value, series)).await?;
        self.trace.push(format!("side {side} sets {aspect:?} of E{number} to {value}"));
        self.facts[i].edit(side, aspect, self.passes, value);
        Ok(())
    }

    /// A value that the event had before and does not show here now, where a person wants that
    /// back.
    async fn earlier(
        &mut self,
        i: usize,
        side: usize,
        name: &str,
        aspect: Aspect,
    ) -> Result<Option<String>> {
        if !self.is_wide() || matches!(aspect, Aspect::Occurrence(_)) || !self.rng.chance(0.4) {
            return Ok(None);
        }
        let looks = self.look(i, side).await?;
        let shown = looks
            .iter()
            .find(|(entry, _)| entry.name == name)
            .and_then(|(_, shown)| shown.aspects.get(&aspect))
            .cloned();
        let past: Vec<String> = self.facts[i]
            .past
            .get(&aspect)
            .into_iter()
            .flatten()
            .filter(|value| Some(*value) != shown.as_ref())
            .cloned()
            .collect();
        Ok(self.rng.pick(&past).cloned())
    }

    /// A value that no event had before, but for those of which there are only two.
    fn another(&mut self, i: usize, aspect: Aspect) -> String {
        let (number, series) = (self.facts[i].number, self.facts[i].series);
        match aspect {
            Aspect::Time => {
                let day = self.facts[i].times.iter().any(|time| time.len() == 8);
                self.slot(series, day)
            }
            Aspect::Title => self.word("E", number),
            Aspect::Location => self.word("L", number),
            Aspect::Description => self.word("D", number),
            Aspect::Busy => ["OPAQUE", "TRANSPARENT"][self.rng.below(2)].to_owned(),
            Aspect::Occurrence(_) => "cancelled".to_owned(),
        }
    }

    /// Another time for one occurrence, or another title, or both.
    async fn change(&mut self, i: usize, side: usize, name: &str, occurrence: u8) -> Result<()> {
        let (fact, number) = (&self.facts[i], self.facts[i].number);
        // In a two-way pair only the times of a private copy count.
        let only_moves = side != fact.side && self.rules.only_times_count(side);
        let kind = if only_moves { 0 } else { self.rng.below(3) };
        let text = self.env.people[side].get(name).await?;
        let Some(text) = text.filter(|ics| edits::occurrence::takes_place(ics, occurrence)) else {
            return Ok(());
        };
        let title = (kind > 0).then(|| self.word("E", number));
        self.slots += 1;
        let day = edits::occurrence::at(&edits::start(&text), occurrence).unwrap_or_default();
        let begin = (kind < 2).then(|| {
            format!("{}T20{:02}00", day.split('T').next().unwrap_or_default(), self.slots % 40)
        });
        let changed = |ics: &str| {
            edits::occurrence::changed(ics, occurrence, begin.as_deref(), title.as_deref())
        };
        let Some((_, value)) = changed(&text) else { return Ok(()) };
        self.env.people[side]
            .edit(name, |ics| changed(ics).map_or_else(|| ics.to_owned(), |(ics, _)| ics))
            .await?;
        let aspect = Aspect::Occurrence(occurrence);
        self.trace.push(format!("side {side} sets {aspect:?} of E{number} to {value}"));
        self.facts[i].edit(side, aspect, self.passes, value);
        Ok(())
    }

    /// The series ends with an occurrence. Its times and its rule are one field.
    async fn end(&mut self, i: usize, side: usize, name: &str, last: u8) -> Result<()> {
        let text = self.env.people[side].get(name).await?;
        let Some(text) = text.filter(|ics| edits::occurrence::takes_place(ics, last)) else {
            return Ok(());
        };
        self.env.people[side]
            .edit(name, |ics| edits::occurrence::ended(ics, last).unwrap_or_else(|| ics.to_owned()))
            .await?;
        self.trace
            .push(format!("side {side} ends E{} with occurrence {last}", self.facts[i].number));
        self.facts[i].edit(side, Aspect::Time, self.passes, edits::start(&text));
        Ok(())
    }

    pub(super) fn word(&mut self, letter: &str, number: u32) -> String {
        self.slots += 1;
        format!("{letter}{number}v{}", self.slots)
    }

    async fn make(&mut self) -> Result<()> {
        // One-way, the other side has events of its own, which nothing happens to.
        let side = if self.rules.is_source(1 - self.rules.from) {
            self.rng.below(2)
        } else {
            self.rules.from
        };
        let side = if self.rng.chance(0.05) { 1 - side } else { side };
        let number = self.facts.len() as u32;
        let series = self.rng.chance(0.25);
        let day = !series && self.rng.chance(0.2);
        let (time, title, location) =
            (self.slot(series, day), self.word("E", number), self.word("L", number));
        let name = format!("e{number}.ics");
        let ics = edits::event(&format!("person-{number}"), &time, &title, &location, series);
        self.env.people[side].put(&name, &ics).await?;
        self.trace.push(format!(
            "side {side} makes E{number} at {time}{}",
            if series { ", a series" } else { "" }
        ));
        let mut fact = Fact::new(number, side, series, expected::plain(time, title, location));
        if !self.rules.is_source(side) {
            fact.bond = Bond::Apart;
        }
        self.facts.push(fact);
        Ok(())
    }

    /// Everything on a side that belongs to a fact: known by its times, which no other event ever
    /// had, or by its title.
    pub(super) async fn entries(&self, i: usize, side: usize) -> Result<Vec<Entry>> {
        let fact = &self.facts[i];
        let prefix = format!("E{}v", fact.number);
        let agenda = self.env.people[side].agenda().await?;
        let belongs = |entry: &Entry| {
            fact.times.contains(entry.value("DTSTART")) || entry.summary().starts_with(&prefix)
        };
        Ok(agenda
            .into_iter()
            .filter(|entry| entry.original().is_none() && belongs(entry))
            .collect())
    }

    /// The occurrences of a series that were changed by themselves.
    pub(super) async fn changed(&self, side: usize, name: &str) -> Result<Vec<Entry>> {
        let agenda = self.env.people[side].agenda().await?;
        Ok(agenda
            .into_iter()
            .filter(|entry| entry.original().is_some() && entry.name == name)
            .collect())
    }

    /// This machine's clock is set to another time than the servers have.
    pub(super) fn move_clock(&mut self) {
        let hours: i64 = [1, 30, 24 * 40, 24 * 400][self.rng.below(4)];
        let by = if self.rng.chance(0.5) { hours * 3600 } else { -hours * 3600 };
        self.set_clock_right();
        self.env.wait(by);
        self.env.set_servers_ahead(-by);
        self.clock_off = by;
        self.clock_was_off |= hours > 24;
        self.trace.push(format!("this machine's clock goes wrong by {} hours", by / 3600));
    }

    /// It is set right.
    pub(super) fn set_clock_right(&mut self) {
        if self.clock_off == 0 {
            return;
        }
        self.env.wait(-self.clock_off);
        self.env.set_servers_ahead(0);
        self.clock_off = 0;
        self.trace.push("this machine's clock is set right".into());
    }

    pub(super) fn mischief(&mut self) {
        let side = self.rng.below(2);
        match (self.rng.below(3), &self.env.people[side]) {
            (0, Person::Near(calendar)) => {
                calendar.forget_tokens();
                self.trace.push(format!("side {side} forgets its tokens"));
            }
            (1, Person::Near(calendar)) => {
                calendar.touch_all();
                self.trace.push(format!("side {side} lists everything as changed"));
            }
            (0, Person::Google(calendar)) => {
                calendar.forget_tokens();
                self.trace.push(format!("side {side} forgets its tokens"));
            }
            (1, Person::Google(calendar)) => {
                calendar.touch_all();
                self.trace.push(format!("side {side} lists everything as changed"));
            }
            _ => {
                let hours = [1, 5, 30][self.rng.below(3)];
                self.env.wait(hours * 3600);
                self.trace.push(format!("{hours} hours pass"));
            }
        }
    }
}
