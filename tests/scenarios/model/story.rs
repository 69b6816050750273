//! One seed, one story.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jobs::SyncOptions;
use jobs::report::{PairStatus, Run, Verb};
use simulators::agenda::Entry;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::google;
use simulators::person::Person;
use simulators::rng::Rng;
use simulators::servers::Kind;

use super::hand;
use super::ledger::{Aspect, Fact, Fate};
use crate::google_pairs::End;
use crate::world::{Host, Stage, Terms, World};

const EPOCHS: usize = 3;
/// Passes after the faults have stopped until everything must be at rest.
const CALM_PASSES: usize = 5;

/// Where a story takes place.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// On servers of ours, whose manners the seed chooses.
    Memory,
    /// On Radicale and Xandikos.
    Real,
    /// At Google, one of them or both.
    Google,
}

/// Tells the story of a seed.
pub async fn tell(seed: u64, place: Place) -> Result<()> {
    let mut rng = Rng::new(seed);
    let two_way = rng.chance(0.6);
    let terms = Terms { two_way, private: rng.chance(0.3), private_back: two_way && rng.chance(0.2) };
    let stage = match place {
        Place::Memory => {
            let manners = [manners(&mut rng), manners(&mut rng)];
            World::new(manners, terms).await.map(Stage::from)
        }
        Place::Real => {
            let kinds = [Kind::Radicale, Kind::Xandikos];
            Stage::real([kinds[rng.below(2)], kinds[rng.below(2)]], terms).await
        }
        Place::Google => {
            let caldav = [End::CalDav, End::Icloud][rng.below(2)];
            let ends = [[End::Google, End::Google], [End::Google, caldav], [caldav, End::Google]][rng.below(3)];
            crate::google_pairs::stage(ends, terms, |server| server.manners(|manners| google_manners(&mut rng, manners))).await
        }
    };
    let mut story = Story {
        rng,
        stage: stage.context("the world begins")?,
        terms,
        facts: Vec::new(),
        passes: 0,
        slots: 0,
        bystander: None,
        trace: Vec::new(),
    };
    let told = story.run().await;
    told.with_context(|| format!("{terms:?}\n    {}", story.trace.join("\n    ")))
}

fn manners(rng: &mut Rng) -> Manners {
    match rng.below(4) {
        0 => Manners::generic(),
        1 => Manners::radicale_like(),
        2 => Manners::xandikos_like(),
        _ => Manners::icloud(),
    }
}

fn google_manners(rng: &mut Rng, manners: &mut google::Manners) {
    manners.quotas = google::Quotas::NONE;
    manners.page_size = [3, 2_500][rng.below(2)];
    manners.empty_pages = rng.chance(0.3);
    manners.repeats_items = rng.chance(0.3);
    manners.reversed = rng.chance(0.3);
    manners.bare_gone = rng.chance(0.5);
    manners.confidential_is_private = rng.chance(0.5);
    manners.buries_exceptions = rng.chance(0.5);
}

struct Story {
    rng: Rng,
    stage: Stage,
    terms: Terms,
    facts: Vec<Fact>,
    /// Passes made so far.
    passes: u32,
    /// Times given out so far; no time is used twice.
    slots: u32,
    /// One-way: an event of the target's owner, which must stay as it is.
    bystander: Option<String>,
    trace: Vec<String>,
}

impl Story {
    async fn run(&mut self) -> Result<()> {
        if !self.terms.two_way {
            let ics = hand::event("own", "20260401T230000Z", "Own", "Home", false);
            self.stage.people[1].put("own.ics", &ics).await?;
            self.bystander = self.stage.people[1].get("own.ics").await?;
        }
        for epoch in 0..EPOCHS {
            self.trace.push(format!("epoch {epoch}"));
            for _ in 0..4 + self.rng.below(8) {
                match self.rng.below(10) {
                    0..=5 => self.edit().await?,
                    6..=8 => self.troubled_pass().await?,
                    _ => self.mischief(),
                }
            }
            self.rest().await?;
        }
        for host in &self.stage.hosts {
            match host {
                Host::Memory(server) => {
                    ensure!(server.mails_sent() == 0, "a guest was mailed");
                    ensure!(server.complaints().is_empty(), "the server complains: {:?}", server.complaints());
                }
                Host::Google(server) => {
                    ensure!((server.mails(), server.propagated()) == (0, 0), "a guest was told");
                    ensure!(server.violations().is_empty(), "Google complains: {:?}", server.violations());
                }
                Host::Real { .. } => {}
            }
        }
        Ok(())
    }

    fn slot(&mut self, series: bool, day: bool) -> String {
        self.slots += 1;
        let n = self.slots;
        let date = format!("2026{:02}{:02}", 4 + (n / 20) % 6, 1 + n % 20);
        match (day, series) {
            (true, _) => format!("20261{}{:02}", n / 25 % 3, 1 + n % 25),
            (_, true) => format!("{date}T{:02}{:02}00", 7 + n / 120 % 12, (n / 40 % 4) * 10),
            _ => format!("{date}T{:02}{:02}00Z", 7 + n / 120 % 12, (n / 40 % 4) * 10),
        }
    }

    async fn edit(&mut self) -> Result<()> {
        let alive: Vec<usize> = (0..self.facts.len()).filter(|i| !self.facts[*i].over).collect();
        if alive.len() < 3 || self.rng.chance(0.25) {
            return self.make().await;
        }
        let Some(&i) = self.rng.pick(&alive) else { return Ok(()) };
        let side = self.rng.below(2);
        let Some(name) = self.entries(i, side).await?.into_iter().next().map(|entry| entry.name) else { return Ok(()) };
        let number = self.facts[i].number;
        if self.rng.chance(0.2) {
            self.stage.people[side].delete(&name).await?;
            // What was written to it here before went with it, unless a pass had carried it over by then.
            self.facts[i].delete(side, self.passes);
            self.trace.push(format!("side {side} deletes E{number}"));
            return Ok(());
        }
        let series = self.facts[i].series;
        let aspect = match self.rng.below(if series { 4 } else { 3 }) {
            0 => Aspect::Time,
            1 => Aspect::Title,
            2 => Aspect::Location,
            _ => Aspect::Occurrence(1 + self.rng.below(6) as u8),
        };
        // To cancel what is cancelled is no edit.
        if matches!(aspect, Aspect::Occurrence(_)) && self.facts[i].agreed.contains_key(&aspect) {
            return Ok(());
        }
        let value = match aspect {
            Aspect::Time => {
                let day = self.facts[i].times.iter().any(|time| time.len() == 8);
                self.slot(series, day)
            }
            Aspect::Title => self.word("E", number),
            Aspect::Location => self.word("L", number),
            Aspect::Occurrence(_) => "cancelled".to_owned(),
        };
        self.stage.people[side].edit(&name, |ics| hand::edited(ics, aspect, &value, series)).await?;
        self.trace.push(format!("side {side} sets {aspect:?} of E{number} to {value}"));
        self.facts[i].edit(side, aspect, self.passes, value);
        Ok(())
    }

    fn word(&mut self, letter: &str, number: u32) -> String {
        self.slots += 1;
        format!("{letter}{number}v{}", self.slots)
    }

    async fn make(&mut self) -> Result<()> {
        let side = if self.terms.two_way { self.rng.below(2) } else { 0 };
        let number = self.facts.len() as u32;
        let series = self.rng.chance(0.25);
        let day = !series && self.rng.chance(0.2);
        let (time, title, location) = (self.slot(series, day), self.word("E", number), self.word("L", number));
        let name = format!("e{number}.ics");
        let ics = hand::event(&format!("person-{number}"), &time, &title, &location, series);
        self.stage.people[side].put(&name, &ics).await?;
        self.trace.push(format!("side {side} makes E{number} at {time}{}", if series { ", a series" } else { "" }));
        let agreed = BTreeMap::from([(Aspect::Time, time.clone()), (Aspect::Title, title), (Aspect::Location, location)]);
        let times = BTreeSet::from([time]);
        let doings = Default::default();
        self.facts.push(Fact { number, side, name, series, new: true, agreed, doings, times, suppressed: false, over: false });
        Ok(())
    }

    /// Everything on a side that belongs to a fact: known by its times, which nobody else ever had, or by its title.
    async fn entries(&self, i: usize, side: usize) -> Result<Vec<Entry>> {
        let fact = &self.facts[i];
        let prefix = format!("E{}v", fact.number);
        let agenda = self.stage.people[side].agenda().await?;
        let belongs = |entry: &Entry| fact.times.contains(entry.value("DTSTART")) || entry.summary().starts_with(&prefix);
        Ok(agenda.into_iter().filter(|entry| entry.original().is_none() && belongs(entry)).collect())
    }

    fn mischief(&mut self) {
        let side = self.rng.below(2);
        match (self.rng.below(3), &self.stage.people[side]) {
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
                self.stage.core.wait(hours * 3600);
                self.trace.push(format!("{hours} hours pass"));
            }
        }
    }

    /// A pass that meets faults, or whose process is killed at some await, or both.
    async fn troubled_pass(&mut self) -> Result<()> {
        self.passes += 1;
        let seed = self.rng.number();
        let odds = [0.0, 0.03, 0.12][self.rng.below(3)];
        for host in &self.stage.hosts {
            if odds > 0.0 {
                host.faults().randomly(seed, odds, On::any(), Fault::PASSING);
            }
        }
        let options = SyncOptions { full: self.rng.chance(0.15), dry_run: self.rng.chance(0.08), ..SyncOptions::default() };
        if self.rng.chance(0.45) {
            let most = if self.rng.chance(0.5) { 60 } else { 600 };
            let polls = 1 + self.rng.below(most);
            let survived = Mortal { life: polls, inner: Box::pin(self.stage.core.sync_with(options)) }.await;
            self.trace.push(match &survived {
                Some(run) => format!("pass: {}", line(run)),
                None => format!("pass killed after {polls} polls"),
            });
            drop(survived);
            // What the dead process had already handed to the system comes to its end before the next one starts.
            tokio::time::sleep(Duration::from_millis(15)).await;
            self.stage.core.restart().await?;
        } else {
            let run = self.stage.core.sync_with(options).await;
            self.trace.push(format!("pass (faults {odds}): {}", line(&run)));
        }
        self.stage.hosts.iter().for_each(|host| host.faults().clear());
        Ok(())
    }

    /// The faults have stopped: a bounded number of passes, then everything is as the rules say, and quiet.
    async fn rest(&mut self) -> Result<()> {
        self.passes += 1;
        let mut quiet = false;
        for pass in 0..CALM_PASSES {
            self.stage.core.wait(1200);
            self.stage.hosts.iter().for_each(Host::reset_counts);
            let mut run = self.stage.core.sync_with(SyncOptions { full: pass == 1, ..SyncOptions::default() }).await;
            if run.state == PairStatus::Held {
                self.trace.push(format!("calm pass: {}", line(&run)));
                run = self.stage.core.sync_with(SyncOptions { confirm_deletions: true, ..SyncOptions::default() }).await;
            }
            self.trace.push(format!("calm pass: {}", line(&run)));
            ensure!(run.error.is_none(), "a calm pass failed: {:?}", run.error);
            ensure!(run.state == PairStatus::Ok, "a calm pass ended {:?}", run.state);
            let writes: u64 = self.stage.hosts.iter().map(|host| host.counts().writes()).sum();
            quiet = writes == 0 && run.actions.iter().all(|action| action.action == Verb::Skip);
            if quiet && pass >= 2 {
                break;
            }
        }
        ensure!(quiet, "not at rest after {CALM_PASSES} passes");
        for i in 0..self.facts.len() {
            if self.facts[i].over {
                for side in 0..2 {
                    ensure!(self.entries(i, side).await?.is_empty(), "E{} came back on side {side}", self.facts[i].number);
                }
                continue;
            }
            let number = self.facts[i].number;
            let judged = if self.terms.two_way { self.judge_two_way(i).await } else { self.judge_one_way(i).await };
            judged.with_context(|| format!("E{number}"))?;
        }
        if let Some(own) = &self.bystander {
            ensure!(self.stage.people[1].get("own.ics").await?.as_ref() == Some(own), "an event of the target's owner was touched");
        }
        let expected = self.facts.iter().filter(|fact| !fact.over).count();
        let there = self.stage.people[0].objects().await?.len();
        ensure!(there == expected, "side 0 has {there} objects, and {expected} events are known");
        Ok(())
    }

    fn shown(&self, entry: &Entry) -> BTreeMap<Aspect, String> {
        let mut shown = BTreeMap::from([
            (Aspect::Time, entry.value("DTSTART").to_owned()),
            (Aspect::Title, entry.summary()),
            (Aspect::Location, entry.text("LOCATION")),
        ]);
        let gaps: BTreeSet<String> = entry.event.all("EXDATE").flat_map(|gap| gap.value.split(',')).map(str::to_owned).collect();
        for n in 1..8_u8 {
            if let Ok(start) = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", entry.value("DTSTART").trim_end_matches('Z')) {
                let day = start.saturating_add(jiff::Span::new().weeks(i64::from(n))).strftime("%Y%m%dT%H%M%S").to_string();
                if gaps.contains(&day) {
                    shown.insert(Aspect::Occurrence(n), "cancelled".into());
                }
            }
        }
        shown
    }

    async fn judge_two_way(&mut self, i: usize) -> Result<()> {
        let found = [self.entries(i, 0).await?, self.entries(i, 1).await?];
        for (side, entries) in found.iter().enumerate() {
            ensure!(entries.len() <= 1, "doubled on side {side}: {entries:?}");
        }
        let fact = self.facts[i].clone();
        let there = (found[0].len(), found[1].len());
        match (there, fact.fate(self.terms.private || self.terms.private_back)) {
            ((0, 0), Fate::There) => bail!("lost"),
            ((1, 1), Fate::Gone) => bail!("resurrected"),
            ((0, 0), _) => {
                self.facts[i].over = true;
                return Ok(());
            }
            ((1, 1), _) => {}
            _ => bail!("on one side only: {there:?}"),
        }
        let shown = [self.shown(&found[0][0]), self.shown(&found[1][0])];
        // A private copy shows nothing but its time; what its owner is shown must never come from it.
        let private = [self.terms.private_back, self.terms.private];
        let copy_side = 1 - fact.side;
        let stripped = private[copy_side];
        let aspects: BTreeSet<Aspect> = fact
            .agreed
            .keys()
            .chain(fact.doings.iter().flat_map(|doings| doings.values.keys()))
            .chain(shown[fact.side].keys())
            .copied()
            .collect();
        let moved = fact.doings.iter().any(|doings| doings.values.contains_key(&Aspect::Time));
        for aspect in aspects {
            let (owner, copy) = (shown[fact.side].get(&aspect), shown[copy_side].get(&aspect));
            if matches!(aspect, Aspect::Occurrence(_)) {
                ensure!(owner == copy, "{aspect:?}: {owner:?} here and {copy:?} there");
                ensure!(owner.is_none() || fact.allowed(aspect).contains("cancelled"), "{aspect:?} was cancelled by nobody");
                ensure!(owner.is_some() || moved || fact.allowed(aspect).is_empty(), "{aspect:?} is no longer cancelled");
                continue;
            }
            let owner = owner.context("a value")?;
            if stripped && aspect != Aspect::Time {
                let own = fact.origins_own(aspect);
                // An origin that was deleted and whose copy was moved is made again from that copy, and has no other words left.
                let remade = fact.doings[fact.side].deleted.is_some();
                ensure!(own.as_ref() == Some(owner) || remade, "{aspect:?} is {owner}, and its owner wrote {own:?}");
                let copy = copy.map(String::as_str).unwrap_or_default();
                let word = if aspect == Aspect::Title { "Busy" } else { "" };
                ensure!(copy == word, "a private copy shows {copy:?}");
                continue;
            }
            ensure!(fact.allowed(aspect).contains(owner), "{aspect:?} is {owner}, and may be {:?}", fact.allowed(aspect));
            ensure!(Some(owner) == copy, "{aspect:?} is {owner} here and {copy:?} there");
        }
        self.facts[i].settle(shown[fact.side].clone());
        self.facts[i].name = found[fact.side][0].name.clone();
        Ok(())
    }

    async fn judge_one_way(&mut self, i: usize) -> Result<()> {
        let found = [self.entries(i, 0).await?, self.entries(i, 1).await?];
        let fact = self.facts[i].clone();
        ensure!(found[1].len() <= 1, "doubled: {:?}", found[1]);
        if fact.doings[0].deleted.is_some() {
            ensure!(found[0].is_empty() && found[1].is_empty(), "its copy outlives it");
            self.facts[i].over = true;
            return Ok(());
        }
        ensure!(found[0].len() == 1, "the origin is gone, and nobody deleted it");
        let shown = self.shown(&found[0][0]);
        for aspect in [Aspect::Time, Aspect::Title, Aspect::Location] {
            ensure!(fact.origins_own(aspect).as_ref() == shown.get(&aspect), "the origin's {aspect:?} was written to");
        }
        let wanted = [Aspect::Time, Aspect::Title].iter().any(|aspect| fact.doings[0].values.contains_key(aspect));
        let copy_deleted = fact.doings[1].deleted.is_some();
        match found[1].first() {
            None => {
                ensure!(fact.suppressed || copy_deleted, "lost");
                ensure!(copy_deleted || !wanted, "its time or title changed, and it did not come back");
                self.facts[i].suppressed = true;
            }
            Some(copy) => {
                ensure!(wanted || !(fact.suppressed || copy_deleted) || fact.new, "resurrected");
                self.facts[i].suppressed = false;
                let copy = self.shown(copy);
                for (aspect, value) in &shown {
                    let value = match aspect {
                        Aspect::Title if self.terms.private => "Busy",
                        Aspect::Location if self.terms.private => "",
                        _ => value,
                    };
                    ensure!(
                        copy.get(aspect).map(String::as_str) == Some(value),
                        "{aspect:?} of the copy is {:?} and should be {value}",
                        copy.get(aspect)
                    );
                }
                ensure!(copy.len() == shown.len(), "the copy has exceptions of its own");
            }
        }
        self.facts[i].settle(shown);
        Ok(())
    }
}

fn line(run: &Run) -> String {
    let error = run.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
    format!(
        "{:?} +{} ~{} -{} skipped {} held {:?} {error}",
        run.state,
        run.created,
        run.changed,
        run.deleted,
        run.skipped,
        run.held.as_ref().map(|held| held.deletions)
    )
}

/// A future whose process dies after so many polls.
struct Mortal<'a, T> {
    life: usize,
    inner: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
}

impl<T> Future for Mortal<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.life == 0 {
            return Poll::Ready(None);
        }
        self.life -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}
