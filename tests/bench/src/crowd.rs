//! Many pairs, each of a calendar of its own with a calendar of its own, on two servers in memory;
//! and one installation that has them all.

use std::path::Path;

use anyhow::{Context as _, ensure};
use simulators::caldav::{CalDav, Calendar, Manners};

use crate::calrelay::{Calrelay, id_of};
use crate::{data, process};

/// Accounts on either server; each has its part of the calendars.
const PEOPLE: u64 = 20;
/// Events in every calendar.
const EVENTS: u64 = 5;
/// Invented.
const PASSWORD: &str = "bench-secret-1907";

/// A pair.
#[derive(Clone, Debug)]
pub struct Couple {
    /// The side that events are copied from.
    pub source: Calendar,
    /// The side that copies are made on.
    pub target: Calendar,
    /// The source as the program names it.
    pub id: String,
}

/// All of them.
#[derive(Debug)]
pub struct Crowd {
    /// Sources and targets; they end with this.
    _servers: [CalDav; 2],
    /// The pairs.
    pub couples: Vec<Couple>,
    /// The installation.
    pub calrelay: Calrelay,
}

impl Crowd {
    /// So many pairs, set up by the program's own commands, synced and at rest.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn gather(
        program: &Path,
        settings: Vec<(String, String)>,
        pairs: u64,
    ) -> anyhow::Result<Self> {
        let calrelay = Calrelay::new(program, settings)?;
        let servers =
            [CalDav::start(Manners::generic()).await?, CalDav::start(Manners::generic()).await?];
        let mut listings = Vec::new();
        for person in 0..PEOPLE.min(pairs) {
            let user = format!("person-{person}");
            for server in &servers {
                server.account(&user, PASSWORD);
                (person..pairs)
                    .step_by(PEOPLE as usize)
                    .for_each(|n| drop(server.calendar(&user, &format!("calendar-{n}"))));
            }
            let [from, to] = &servers;
            listings.push([
                calrelay.account(&from.url(), &user, PASSWORD).await?,
                calrelay.account(&to.url(), &user, PASSWORD).await?,
            ]);
        }
        let mut couples = Vec::new();
        for n in 0..pairs {
            let person = n % PEOPLE;
            let (user, name) = (format!("person-{person}"), format!("calendar-{n}"));
            let [source, target] = servers.each_ref().map(|server| server.calendar(&user, &name));
            for (name, ics) in data::objects(EVENTS, data::today()) {
                source.put(&name, &ics);
            }
            let id = |side: usize| {
                id_of(&listings[person as usize][side], &name)
                    .context("a calendar that is not listed")
            };
            calrelay.pair(&id(0)?, &id(1)?).await?;
            couples.push(Couple { source, target, id: id(0)? });
        }
        let crowd = Self { _servers: servers, couples, calrelay };
        process::run(crowd.calrelay.pass(), "").await?;
        let copies = crowd.couples.iter().map(|couple| couple.target.len() as u64).sum::<u64>();
        ensure!(copies == pairs * EVENTS, "{copies} copies of {} events were made", pairs * EVENTS);
        Ok(crowd)
    }

    /// A person changes one event of every source.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn change(&self, round: u64) -> anyhow::Result<()> {
        let name = format!("event-{:06}.ics", round % EVENTS);
        let changed = self
            .couples
            .iter()
            .all(|couple| couple.source.edit(&name, |ics| data::edited(ics, round + 1)));
        ensure!(changed, "the event {name} is not there");
        Ok(())
    }
}
