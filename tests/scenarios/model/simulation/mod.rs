//! One seed, one simulation.

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
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use simulators::caldav::{Manners, Names};
use simulators::google;
use simulators::rng::Rng;

use self::check::Strict;
pub use self::passes::line;
use self::rules::Rules;
pub use self::state::Mode;
use self::state::{EPOCHS, Mail, Simulation};
use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::installation::Terms;
use crate::support::servers::Provider;

/// Runs the simulation of a seed.
pub async fn run_seed(seed: u64, mode: Mode) -> Result<()> {
    let mut rng = Rng::new(seed);
    let two_way = rng.chance(0.6);
    let mut terms =
        Terms { two_way, private: rng.chance(0.3), private_back: two_way && rng.chance(0.2) };
    if matches!(mode, Mode::Pushed) {
        // Where a copy may drift, the simulation has to ask for a pass in the end, which would also
        // find what was lost: few of those.
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
        rules: Rules { terms, from: 0, has_second: false, paired: true },
        second: None,
        facts: Vec::new(),
        passes: 0,
        slots: 0,
        emptied: None,
        lost: false,
        lost_keys: BTreeSet::new(),
        all_deleted: false,
        unrelated: None,
        clock_off: 0,
        clock_was_off: false,
        met: [0; 2],
        trace: Vec::new(),
        mail: Mail::default(),
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

impl Simulation {
    async fn run(&mut self) -> Result<()> {
        self.begin().await?;
        for epoch in 0..EPOCHS {
            self.trace.push(format!("epoch {epoch}"));
            if epoch > 0 {
                self.change_pair().await?;
            }
            for _ in 0..4 + self.rng.below(8) {
                match self.rng.below(20) {
                    0..=11 => self.edit().await?,
                    12..=17 => self.faulty_pass().await?,
                    18 if self.is_wide() && self.rng.chance(0.5) => self.move_clock(),
                    18 => self.mischief(),
                    _ => self.another_address().await?,
                }
            }
            self.set_clock_right();
            self.rest().await?;
            self.check_at_rest().await?;
            self.clock_was_off = false;
        }
        self.full_rest().await?;
        self.check_events(Strict::Yes).await.context("after a full pass at the end")?;
        self.does_not_grow().await?;
        self.env.check_servers()
    }
}
