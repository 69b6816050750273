//! Compares origins with their copies: expanded over the window, both show equal instants and titles.
//!
//! Which events belong together is read from the pair's mappings; what the events show is read and
//! expanded without the product. Four kinds may differ and are left out: a copy that its owner
//! edited and that waits for a full pass, a copy with attendees of its own, an event that is refused
//! or not listed yet, and an object whose meaning the RFC does not define.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::pair::Side;
use jiff::Timestamp;
use simulators::caldav::CalDav;
use simulators::expand::{Expanded, expand};
use simulators::person::Person;
use store::Table;

use super::env::Env;
use super::installation::Installation;
use super::servers::Server;

/// The prefix of the rows of mappings.
const MAPPING: &str = "m:";
/// More mappings than any pair of a test has.
const MOST: usize = 10_000;

impl Installation {
    /// Compares every origin with its copy in the window; of a private copy only the instants.
    /// Returns how many pairs of events were compared.
    pub async fn compare(&self, people: [&Person; 2]) -> Result<usize> {
        let Ok(pair) = self.current_pair().await else { return Ok(0) };
        let window = pair.window(self.scope.clock.now());
        let range = window.start_instant()..window.end_instant();
        let mut compared = 0;
        let rows =
            self.scope.store.scan(Table::Pairs, pair.id.as_str(), MAPPING, None, MOST).await?;
        for row in rows {
            let mapping: Mapping =
                serde_json::from_str(&row.value).with_context(|| format!("the row {}", row.key))?;
            if !is_comparable(&mapping) {
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
                "{} and its copy differ: {}",
                mapping.origin.id,
                difference(&here, &there)
            );
        }
        Ok(compared)
    }
}

impl Env<CalDav> {
    /// As [`Installation::compare`].
    pub async fn compare_sides(&self) -> Result<usize> {
        let [from, to] = self.people.clone().map(Person::from);
        self.compare([&from, &to]).await
    }
}

impl Env<Server> {
    /// As [`Installation::compare`].
    pub async fn compare_sides(&self) -> Result<usize> {
        self.compare(self.people.each_ref()).await
    }
}

fn is_comparable(mapping: &Mapping) -> bool {
    let halves = [&mapping.origin, &mapping.copy];
    let settled = halves.iter().all(|half| half.intent.is_none() && half.etag.is_some());
    mapping.state == MappingState::Live
        && settled
        && !mapping.drifted
        && !mapping.copy_guests
        && mapping.unseen.is_none()
}

/// What the user of a calendar sees of an event.
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
