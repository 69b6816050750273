//! What people did, and what the two calendars may therefore show.
//!
//! Every event has a number, and every value that a person gives it is used once: each value
//! identifies its event and when it was written. Between two moments of rest ("epochs") both people
//! may have edited one field, and then either value may win; a field that one person edited keeps
//! that person's value.

use std::collections::{BTreeMap, BTreeSet};

/// What of an event is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    Time,
    Title,
    Location,
    Description,
    /// Whether it blocks its time: `OPAQUE` or `TRANSPARENT`.
    Busy,
    /// One occurrence of a series, by its number: cancelled, or its start and title.
    Occurrence(u8),
}

/// What one person did to one event since the last rest.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    /// The last value of each aspect, and how many passes had been made by then.
    pub values: BTreeMap<Aspect, (u32, String)>,
    /// Aspects whose last value the event had before: to a pass that saw nothing in between they
    /// have not changed.
    pub back: BTreeSet<Aspect>,
    /// Values that went with the event when it was deleted here; a pass may have carried them over
    /// before.
    pub buried: BTreeMap<Aspect, Vec<String>>,
    /// Deleted it, after so many passes.
    pub deleted: Option<u32>,
}

/// What one calendar shows of an event.
pub type Aspects = BTreeMap<Aspect, String>;

/// What an event shows that was made with these and nothing else.
pub fn plain(time: String, title: String, location: String) -> Aspects {
    let said = [(Aspect::Time, time), (Aspect::Title, title), (Aspect::Location, location)];
    said.into_iter()
        .chain([(Aspect::Description, String::new()), (Aspect::Busy, "OPAQUE".to_owned())])
        .collect()
}

/// What the pair does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// It keeps a copy in step with the origin.
    Kept,
    /// Nothing: each side shows what was last there.
    Apart,
    /// Either is right: a copy, or none. People leave the event alone until the next check says
    /// which.
    Open,
    /// As [`Self::Apart`], for good: both sides keep what they show, equal or not.
    Loose,
}

/// One event on both sides.
#[derive(Clone, Debug)]
pub struct Fact {
    pub number: u32,
    /// Where it was made: 0 or 1.
    pub side: usize,
    pub series: bool,
    /// Made since the last rest.
    pub new: bool,
    /// What both sides show since the last rest.
    pub agreed: BTreeMap<Aspect, String>,
    /// Since the last rest, by side.
    pub actions: [Actions; 2],
    /// Every time it ever had: by it a copy is known that shows nothing else.
    pub times: BTreeSet<String>,
    /// There is no copy because a person deleted it, or wanted none made again.
    pub suppressed: bool,
    /// There is no copy because what was made was deleted before it was listed: a full pass makes
    /// it again.
    pub unseen: bool,
    pub bond: Bond,
    /// What each side shows, where the bond is another one than [`Bond::Kept`].
    pub own: [Option<Aspects>; 2],
    /// Values of the copy that a person gave it, that do not flow back, and that are repaired by a
    /// full pass at the latest.
    pub drift: BTreeMap<Aspect, BTreeSet<String>>,
    /// Every value it ever had.
    pub past: BTreeMap<Aspect, BTreeSet<String>>,
    /// Titles, places and descriptions that a person wrote, by side.
    pub words: [BTreeSet<String>; 2],
    /// Both sides were there when the pair was made, and no rest has come since: until a pass has
    /// joined them, the origin's word counts, and what is deleted on one side is no deletion on the
    /// other.
    pub joining: bool,
    /// The one side was made again from what the other one showed.
    pub remade: bool,
    /// A client made it out of an object with a mark, and may have kept that.
    pub shadow: bool,
    /// The event that it was made of, if that had a mark.
    pub made_of: Option<u32>,
    /// Its marks are those of another installation, or of a lost one, and no installation has
    /// claimed it.
    pub foreign: bool,
    /// They were, and the owner has claimed it.
    pub claimed: bool,
    /// Gone for good.
    pub over: bool,
}

impl Fact {
    /// A new event of a side that shows this.
    pub fn new(number: u32, side: usize, series: bool, shows: Aspects) -> Self {
        let mut own = [None, None];
        own[side] = Some(shows.clone());
        let mut fact = Self {
            number,
            side,
            series,
            new: true,
            times: shows.get(&Aspect::Time).cloned().into_iter().collect(),
            agreed: shows,
            actions: Default::default(),
            suppressed: false,
            unseen: false,
            bond: Bond::Kept,
            own,
            drift: BTreeMap::new(),
            past: BTreeMap::new(),
            words: Default::default(),
            joining: false,
            remade: false,
            shadow: false,
            made_of: None,
            foreign: false,
            claimed: false,
            over: false,
        };
        let shown: Vec<(Aspect, String)> =
            fact.agreed.iter().map(|(aspect, value)| (*aspect, value.clone())).collect();
        shown.iter().for_each(|(aspect, value)| fact.says(side, *aspect, value));
        fact
    }

    /// A person writes this on a side.
    pub fn says(&mut self, side: usize, aspect: Aspect, value: &str) {
        self.past.entry(aspect).or_default().insert(value.to_owned());
        match aspect {
            Aspect::Title | Aspect::Location | Aspect::Description => {
                self.words[side]
                    .extend(Some(value).filter(|value| !value.is_empty()).map(str::to_owned));
            }
            // What a private copy shows is no word of its owner.
            Aspect::Occurrence(_) => self.words[side]
                .extend(value.split(' ').nth(1).filter(|word| *word != "Busy").map(str::to_owned)),
            Aspect::Time | Aspect::Busy => {}
        }
    }

    /// Whether this is over: neither side shows it any more.
    pub fn is_nowhere(&self) -> bool {
        self.own.iter().all(Option::is_none)
    }

    /// Whether the copy may show this instead of what follows from its origin.
    pub fn may_drift(&self, aspect: Aspect, value: Option<&str>) -> bool {
        let value = value.unwrap_or_default();
        let lately = self.actions[1 - self.side]
            .values
            .get(&aspect)
            .is_some_and(|(_, written)| written == value);
        lately || self.drift.get(&aspect).is_some_and(|values| values.contains(value))
    }

    /// Whether a person changed the copy in any way that does not flow back.
    pub fn drifts(&self) -> bool {
        !self.drift.is_empty() || self.touched(1 - self.side)
    }

    /// Whether a person changed the times of the copy, in a way that does not flow back.
    pub fn times_drift(&self) -> bool {
        let is_time = |aspect: &Aspect| matches!(aspect, Aspect::Time | Aspect::Occurrence(_));
        self.actions[1 - self.side].values.keys().chain(self.drift.keys()).any(is_time)
    }

    /// No pair has anything to do with it from now on: these sides show this.
    pub fn leave(&mut self, shown: impl IntoIterator<Item = (usize, Aspects)>) {
        self.settle(Aspects::new(), BTreeMap::new());
        (self.bond, self.suppressed, self.own) = (Bond::Apart, false, [None, None]);
        shown.into_iter().for_each(|(side, aspects)| self.own[side] = Some(aspects));
    }

    /// The origin was deleted before a pass had joined it to the copy that an earlier pair left:
    /// that one is the event now, and is copied back.
    pub fn turn_round(&mut self) {
        let other = 1 - self.side;
        if self.actions[self.side].deleted.is_none() || self.actions[other].deleted.is_some() {
            return;
        }
        let Some(left) = self.own[other].take() else { return };
        self.actions[self.side].deleted = None;
        self.actions[self.side].buried.clear();
        (self.side, self.agreed, self.remade) = (other, left, true);
    }

    /// Whether a pass must have seen another time or title on a side than was agreed.
    pub fn is_another(&self, side: usize) -> bool {
        let actions = &self.actions[side];
        [Aspect::Time, Aspect::Title]
            .iter()
            .any(|aspect| actions.values.contains_key(aspect) && !actions.back.contains(aspect))
    }

    pub fn touched(&self, side: usize) -> bool {
        !self.actions[side].values.is_empty()
    }

    /// Writes an edit down.
    pub fn edit(&mut self, side: usize, aspect: Aspect, pass: u32, value: String) {
        if aspect == Aspect::Time {
            self.times.insert(value.clone());
        }
        let had = self.past.get(&aspect).is_some_and(|past| past.contains(&value));
        let back = &mut self.actions[side].back;
        let _ = if had { back.insert(aspect) } else { back.remove(&aspect) };
        self.says(side, aspect, &value);
        self.actions[side].values.insert(aspect, (pass, value));
    }

    /// Writes a deletion down.
    pub fn delete(&mut self, side: usize, pass: u32) {
        let actions = &mut self.actions[side];
        // Deleted here before, so it was made again since.
        self.remade |= actions.deleted.is_some();
        actions.deleted = Some(pass);
        actions.back.clear();
        for (aspect, (_, value)) in std::mem::take(&mut actions.values) {
            actions.buried.entry(aspect).or_default().push(value);
        }
    }

    /// The values that an aspect may have at rest, if both sides are followed.
    pub fn allowed(&self, aspect: Aspect) -> BTreeSet<String> {
        let mut last: BTreeSet<String> = self
            .actions
            .iter()
            .filter_map(|actions| Some(actions.values.get(&aspect)?.1.clone()))
            .collect();
        // Both wrote, and no pass came between: the next pass saw both, and the owner's value wins.
        if let [Some((a, _)), Some((b, _))] =
            [0, 1].map(|side: usize| self.actions[side].values.get(&aspect))
            && a == b
            && !self.new
            && matches!(
                aspect,
                Aspect::Title | Aspect::Location | Aspect::Description | Aspect::Busy
            )
            && self.actions.iter().all(|actions| !actions.back.contains(&aspect))
        {
            last = self.origins_own(aspect).into_iter().collect();
        }
        let mut allowed = if last.is_empty() {
            self.agreed.get(&aspect).cloned().into_iter().collect()
        } else {
            last
        };
        allowed.extend(
            self.actions
                .iter()
                .filter_map(|actions| actions.buried.get(&aspect))
                .flatten()
                .cloned(),
        );
        if self.joining {
            allowed.extend(self.origins_own(aspect));
        }
        // The time of a series and its exceptions are one field: against an exception made by the
        // owner, a copy's move loses.
        let excepted = |aspect: &Aspect| matches!(aspect, Aspect::Occurrence(_));
        let own = &self.actions[self.side];
        if aspect == Aspect::Time
            && (own.values.keys().any(excepted) || own.buried.keys().any(excepted))
        {
            allowed.extend(self.agreed.get(&aspect).cloned());
        }
        allowed
    }

    /// What the owner's side must show if nothing flows back to it.
    pub fn origins_own(&self, aspect: Aspect) -> Option<String> {
        self.actions[self.side]
            .values
            .get(&aspect)
            .map(|(_, value)| value.clone())
            .or_else(|| self.agreed.get(&aspect).cloned())
    }

    /// Whether it may, and whether it must, be there at rest (two-way). `private`: some edits of
    /// copies count for nothing.
    pub fn fate(&self, private: bool) -> Fate {
        let [a, b] = &self.actions;
        if self.joining && self.actions.iter().any(|actions| actions.deleted.is_some()) {
            return Fate::Either;
        }
        // A copy that is made, found and deleted by a person before a killed pass could record it
        // cannot be distinguished from one that was never made, and it is made (again). Nothing is
        // lost that way.
        if self.new
            && self.actions[1 - self.side].deleted.is_some()
            && self.actions[self.side].deleted.is_none()
        {
            return Fate::Either;
        }
        let (pass, editor) = match (a.deleted, b.deleted) {
            (None, None) => return Fate::There,
            // An edit that won against the one deletion has brought the event back to where it was
            // edited since.
            (Some(_), Some(_)) if self.touched(0) || self.touched(1) => return Fate::Either,
            (Some(_), Some(_)) => return Fate::Gone,
            (Some(pass), None) => (pass, 1),
            (None, Some(pass)) => (pass, 0),
        };
        if !self.touched(editor) {
            return Fate::Gone;
        }
        // Edited and deleted, and no pass came between: the next pass saw both, and the edit wins.
        let edits = &self.actions[editor];
        let both_news = edits
            .values
            .iter()
            .any(|(aspect, (edited, _))| *edited == pass && !edits.back.contains(aspect));
        if both_news && !self.new && !private { Fate::There } else { Fate::Either }
    }

    /// At rest: what the origin shows is agreed; what else the copy shows is drift.
    pub fn settle(&mut self, shown: Aspects, drift: BTreeMap<Aspect, BTreeSet<String>>) {
        self.agreed = shown;
        self.drift = drift;
        self.actions = Default::default();
        self.new = false;
        (self.joining, self.remade) = (false, false);
    }
}

/// What may become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    There,
    Gone,
    /// Edited here and deleted there, and the order in which a pass saw the two is not known.
    Either,
}
