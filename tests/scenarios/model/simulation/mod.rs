//! One seed, one story.

mod actions;
mod addresses;
mod check;
mod clients;
mod functions;
mod pair_changes;
mod passes;
mod pushed;
mod repair;
mod rules;
mod shown;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use simulators::caldav::{Manners, Names};
use simulators::google;
use simulators::rng::Rng;

use self::check::Strict;
use self::rules::Rules;
use super::expected::Fact;
use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::installation::{Installation, Terms};
use crate::support::servers::{Provider, Server};

const EPOCHS: usize = 3;

/// Where a story takes place.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// On servers of ours, whose manners the seed chooses.
    Memory,
    /// On Radicale and Xandikos.
    Real,
    /// At Google, one of them or both.
    Google,
    /// As [`Place::Memory`]; people also use all fields, change values back and leave questions
    /// open, and the clock may be off.
    Wide,
    /// As [`Place::Google`], where no pass is asked for: calls, the queue and the clock drive
    /// everything.
    Pushed,
}

/// Tells the story of a seed.
pub async fn run_seed(seed: u64, mode: Mode) -> Result<()> {
    let mut rng = Rng::new(seed);
    let two_way = rng.chance(0.6);
    let mut terms =
        Terms { two_way, private: rng.chance(0.3), private_back: two_way && rng.chance(0.2) };
    if matches!(mode, Mode::Pushed) {
        // Where a copy may drift, somebody has to ask for a pass in the end, which would also find
        // what was lost: few of those.
        terms = Terms {
            two_way: two_way || rng.chance(0.7),
            private: terms.private && rng.chance(0.3),
            private_back: terms.private_back && rng.chance(0.3),
        };
    }
    let env = match mode {
        Mode::Memory | Mode::Wide => {
            let manners = [manners(&mut rng), manners(&mut rng)];
            Builder::caldav_each(manners).terms(terms).build().await.map(Env::from)
        }
        Mode::Real => {
            let kinds = [Provider::Radicale, Provider::Xandikos];
            let kinds = [kinds[rng.below(2)], kinds[rng.below(2)]];
            Builder::providers(kinds).terms(terms).build().await
        }
        Mode::Google | Mode::Pushed => {
            let caldav = [Provider::CalDav, Provider::Icloud][rng.below(2)];
            let ends = [
                [Provider::Google, Provider::Google],
                [Provider::Google, caldav],
                [caldav, Provider::Google],
            ][rng.below(3)];
            let server = Arc::new(google::Server::start().await?);
            server.manners(|manners| google_manners(&mut rng, manners));
            Builder::providers(ends).google(server).terms(terms).build().await
        }
    };
    let mut simulation = Simulation {
        rng,
        env: env.context("the environment is built")?,
        mode,
        rules: Rules { terms, from: 0, twins: false, paired: true },
        second: None,
        facts: Vec::new(),
        passes: 0,
        slots: 0,
        emptied: None,
        lost: false,
        lost_keys: BTreeSet::new(),
        all_deleted: false,
        bystander: None,
        clock_off: 0,
        clock_was_off: false,
        met: [0; 2],
        trace: Vec::new(),
        mail: pushed::Mail::default(),
    };
    let result = match mode {
        Mode::Pushed => simulation.run_pushed().await,
        _ => simulation.run().await,
    };
    if result.is_err() {
        simulation.show_all().await;
    }
    result.with_context(|| {
        format!(
            "{:?}, at first {terms:?}\n    {}",
            simulation.rules,
            simulation.trace.join("\n    ")
        )
    })
}

fn manners(rng: &mut Rng) -> Manners {
    let mut manners = match rng.below(4) {
        0 => Manners::generic(),
        1 => Manners::radicale_like(),
        2 => Manners::xandikos_like(),
        _ => return Manners::icloud(),
    };
    if rng.chance(0.2) {
        manners.names = Names::Own { location: rng.chance(0.5) };
    }
    manners.trash = rng.chance(0.2).then(|| [400, 403][rng.below(2)]);
    manners.shared_url = rng.chance(0.5);
    manners
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
    manners.discards_exceptions = rng.chance(0.5);
}

struct Simulation {
    rng: Rng,
    env: Env<Server>,
    mode: Mode,
    rules: Rules,
    /// Another installation on the same calendars.
    second: Option<Installation>,
    facts: Vec<Fact>,
    /// Passes made so far.
    passes: u32,
    /// Times given out so far; no time is used twice.
    slots: u32,
    /// All data were lost once: origins that were made again before bear marks that nothing can
    /// verify.
    lost: bool,
    /// The keys of marks that were there then.
    lost_keys: BTreeSet<String>,
    /// A calendar was emptied since the last rest.
    emptied: Option<Emptied>,
    /// A person deleted all copies by hand since the last rest, and had them made again.
    all_deleted: bool,
    /// One-way: the object of an event that is not the pair's, as long as no person touches it.
    bystander: Option<String>,
    /// How many seconds this machine's clock is ahead of the servers'.
    clock_off: i64,
    /// It was wrong since the last rest by so much that the window was another one.
    clock_was_off: bool,
    /// Faults that passes have met so far, by side.
    met: [usize; 2],
    trace: Vec<String>,
    /// Where Google calls.
    mail: pushed::Mail,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("    {}", self.trace.join("\n    "));
        }
    }
}

/// A calendar that was emptied or made anew, and what its owner is going to answer.
#[derive(Clone, Copy, Debug)]
struct Emptied {
    side: usize,
    make_again: bool,
}

impl Simulation {
    async fn run(&mut self) -> Result<()> {
        self.begin().await?;
        for epoch in 0..EPOCHS {
            self.trace.push(format!("epoch {epoch}"));
            if epoch > 0 {
                self.upheaval().await?;
            }
            for _ in 0..4 + self.rng.below(8) {
                match self.rng.below(20) {
                    0..=11 => self.edit().await?,
                    12..=17 => self.troubled_pass().await?,
                    18 if self.is_wide() && self.rng.chance(0.5) => self.move_clock(),
                    18 => self.mischief(),
                    _ => self.another_address().await?,
                }
            }
            self.set_clock_right();
            self.rest().await?;
            self.judge_calm().await?;
            self.clock_was_off = false;
        }
        self.full_rest().await?;
        self.judge(Strict::Yes).await.context("after a full pass at the end")?;
        self.does_not_grow().await?;
        self.env.check_servers()
    }

    fn is_wide(&self) -> bool {
        matches!(self.mode, Mode::Wide)
    }
}
