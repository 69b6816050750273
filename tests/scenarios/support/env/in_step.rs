//! That origins and copies are in step: expanded over the window, both show the same instants and
//! titles.
//!
//! The pairs of events are those that the pair itself remembers; what they show is read and
//! expanded without the product. Left out is what need not be the same: a copy that drifted and
//! waits for a full pass, one to which its owner invited people, what is refused or awaited, and an
//! object of which the RFC does not say what it shows.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::pair::Side;
use jiff::Timestamp;
use jobs::directory;
use simulators::expand::{Expanded, expand};
use simulators::person::Person;
use store::Table;

use super::{Core, Stage, World};

/// How the rows of mappings begin.
const MAPPING: &str = "m:";
/// No pair of a test has more.
const MOST: usize = 10_000;

impl Core {
    /// Every origin and its copy show the same in the window; a private copy the same instants.
    /// Says how many were compared.
    pub async fn in_step(&self, people: [&Person; 2]) -> Result<usize> {
        let Ok(pair) = directory::pair(&self.services, &self.pair.id).await else { return Ok(0) };
        let window = pair.window(self.services.clock.now());
        let range = window.start_instant()..window.end_instant();
        let mut compared = 0;
        let rows =
            self.services.store.scan(Table::Pairs, pair.id.as_str(), MAPPING, None, MOST).await?;
        for row in rows {
            let mapping: Mapping =
                serde_json::from_str(&row.value).with_context(|| format!("the row {}", row.key))?;
            if !is_to_be_the_same(&mapping) {
                continue;
            }
            let side = mapping.side;
            let [from, to] = [side, side.other()].map(|side| people[usize::from(side == Side::To)]);
            let shown = [
                shown(from, &mapping.origin.id, &range).await?,
                shown(to, &mapping.copy.id, &range).await?,
            ];
            let [Some(origin), Some(copy)] = shown else { continue };
            if origin.floats != copy.floats {
                continue;
            }
            compared += 1;
            let private = pair.private_towards(side.other());
            let seen = |one: &Expanded| -> Vec<String> {
                one.occurrences
                    .iter()
                    .map(
                        |(start, title)| {
                            if private { start.to_string() } else { format!("{start} {title}") }
                        },
                    )
                    .collect()
            };
            let [here, there] = [&origin, &copy].map(seen);
            ensure!(
                here == there,
                "{} and its copy are not in step: {}",
                mapping.origin.id,
                difference(&here, &there)
            );
        }
        Ok(compared)
    }
}

impl World {
    /// As [`Core::in_step`].
    pub async fn in_step(&self) -> Result<usize> {
        let [from, to] = self.calendars.clone().map(Person::from);
        self.core.in_step([&from, &to]).await
    }
}

impl Stage {
    /// As [`Core::in_step`].
    pub async fn in_step(&self) -> Result<usize> {
        self.core.in_step(self.people.each_ref()).await
    }
}

fn is_to_be_the_same(mapping: &Mapping) -> bool {
    let halves = [&mapping.origin, &mapping.copy];
    let settled = halves.iter().all(|half| half.intent.is_none() && half.etag.is_some());
    mapping.state == MappingState::Live
        && settled
        && !mapping.drifted
        && !mapping.copy_guests
        && mapping.unseen.is_none()
}

/// What a person sees of an event.
async fn shown(
    person: &Person,
    id: &EventId,
    range: &Range<Timestamp>,
) -> Result<Option<Expanded>> {
    let name =
        if matches!(person, Person::Google(_)) { format!("{id}.ics") } else { id.to_string() };
    Ok(person.get(&name).await?.and_then(|text| expand(&text, range)))
}

fn difference(here: &[String], there: &[String]) -> String {
    let only = |one: &[String], other: &[String]| {
        let mut rest = other.to_vec();
        let is_there = |line: &String, rest: &mut Vec<String>| {
            rest.iter().position(|other| other == line).map(|at| rest.remove(at)).is_some()
        };
        one.iter().filter(|line| !is_there(line, &mut rest)).take(5).cloned().collect::<Vec<_>>()
    };
    format!("only here {:?}, only there {:?}", only(here, there), only(there, here))
}
