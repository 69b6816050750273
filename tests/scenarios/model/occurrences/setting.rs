//! The servers of a simulation, how they behave, and the pair between them.

use anyhow::{Result, ensure};
use engine::provider::ProviderKind;
use jiff::SignedDuration;
use simulators::caldav::{self, CalDav};
use simulators::faults::Faults;
use simulators::google;
use simulators::graph::{self, Graph, LostState, Repeated, ZoneNames};
use simulators::person::Person;
use simulators::rng::Rng;

use super::hands::Hand;
use crate::support::accounts::Account;
use crate::support::clock::{START, TestClock};
use crate::support::connector::{Origins, Spelling, address};
use crate::support::google::GoogleSettings;
use crate::support::installation::{Installation, ProcessOptions, Terms};
use crate::support::microsoft::{self, MicrosoftSettings};
use crate::support::storage::TestStorage;

/// What is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    CalDav,
    Google,
    Microsoft,
}

pub(super) struct Servers {
    graph: Graph,
    dav: CalDav,
    google: google::Server,
}

pub(super) struct Setting {
    pub(super) terms: Terms,
    pub(super) installation: Installation,
    pub(super) servers: Servers,
    pub(super) hands: [Hand; 2],
}

pub(super) async fn of(rng: &mut Rng, other: Other) -> Result<Setting> {
    let two_way = rng.chance(0.7);
    let private = rng.chance(0.2);
    let terms = Terms { two_way, private, private_back: two_way && private && rng.chance(0.5) };
    let (graph, google) = (Graph::start().await?, google::Server::start().await?);
    graph.manners(|manners| graph_manners(rng, manners));
    google.manners(|manners| manners.quotas = google::Quotas::NONE);
    graph.clock().stand_at(START.parse()?);
    google.clock().stand_at(START.parse()?);
    let dav = CalDav::start(caldav::Manners::generic()).await?;
    let anna = graph.account("anna@example.org");
    let here = (microsoft::account(&anna), Hand::Outlook(anna.primary()));
    let there = match other {
        Other::Microsoft => {
            let ben = graph.account("ben@example.org");
            (microsoft::account(&ben), Hand::Outlook(ben.primary()))
        }
        Other::Google => {
            let ben = google.account("ben@example.org");
            let account = Account {
                kind: ProviderKind::Google,
                url: google.url().to_string(),
                user: ben.address().to_owned(),
                password: ben.refresh_token(),
            };
            (account, Hand::Objects(Person::from(ben.primary())))
        }
        Other::CalDav => {
            let (user, password) = ("ben", "ben-secret-8642");
            let calendar = dav.account(user, password).calendar(user, "main");
            let url = address(1, Spelling::Plain);
            let kind = ProviderKind::Caldav;
            let account = Account { kind, url, user: user.into(), password: password.into() };
            (account, Hand::Objects(Person::from(calendar)))
        }
    };
    let (from, to) = if rng.chance(0.5) { (here, there) } else { (there, here) };
    let mut origins = Origins::default();
    origins.add_all(1, &dav);
    let options = ProcessOptions {
        origins,
        google: Some(GoogleSettings::of(&google)?),
        microsoft: Some(MicrosoftSettings::of(&graph)?),
        ..ProcessOptions::new(TestClock::Google(graph.clock().clone()))
    };
    let paired = Installation::paired(TestStorage::new().await?, options, [from.0, to.0], terms);
    let installation = Box::pin(paired).await?;
    let servers = Servers { graph, dav, google };
    Ok(Setting { terms, installation, servers, hands: [from.1, to.1] })
}

fn graph_manners(rng: &mut Rng, manners: &mut graph::Manners) {
    manners.delta_page = [1, 3, 50][rng.below(3)];
    manners.empty_pages = rng.chance(0.3);
    manners.repeats_entries = rng.chance(0.3);
    manners.endless_round = rng.chance(0.15);
    manners.silent_occurrences = rng.chance(0.4);
    manners.deleted_series_is_one = rng.chance(0.5);
    manners.names_masters = rng.chance(0.5);
    manners.removes_outsiders = rng.chance(0.5);
    let states = [LostState::Gone, LostState::Invalid, LostState::ResyncRequired];
    manners.lost_state = states[rng.below(3)];
    manners.expanded_needs_select = rng.chance(0.5);
    manners.occurrences_inherit = rng.chance(0.5);
    manners.presence_filter = rng.chance(0.5);
    manners.regular_ids = rng.chance(0.15);
    manners.extra_members = rng.chance(0.5);
    manners.organizer_responds = rng.chance(0.5);
    manners.deleted_answers = rng.chance(0.6);
    manners.deleted_answers_everywhere = manners.deleted_answers && rng.chance(0.5);
    let refused = |status, names_it| Repeated::Refused { status, names_it };
    let all = [Repeated::Event, refused(400, false), refused(400, true), refused(409, false)];
    manners.same_again = all[rng.below(4)];
    manners.other_again = all[1 + rng.below(3)];
    manners.used_for_ever = rng.chance(0.5);
    manners.clamps_days = rng.chance(0.5);
    manners.last_of_seven = rng.chance(0.5);
    manners.boundary_counts_deleted = rng.chance(0.5);
    manners.stale_is_412 = rng.chance(0.5);
    manners.saves_again = rng.chance(0.2);
    manners.zone_names = [ZoneNames::Documented, ZoneNames::All, ZoneNames::Windows][rng.below(3)];
    manners.retry_after = 0;
}

impl Servers {
    pub(super) fn each_faults(&self, mut each: impl FnMut(&Faults)) {
        [self.graph.faults(), self.dav.faults(), self.google.faults()].iter().for_each(|f| each(f));
    }

    /// The faults that were met since they were cleared.
    pub(super) fn struck(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.each_faults(|faults| {
            let struck = faults.struck();
            all.extend(struck.iter().map(|one| format!("{:?} {:?}", one.kind, one.fault)));
        });
        all
    }

    /// The clock of Microsoft is the installation's.
    pub(super) fn wait(&self, seconds: i64) {
        self.google.clock().advance(SignedDuration::from_secs(seconds));
    }

    pub(super) fn reset_counts(&self) {
        self.graph.reset_counts();
        self.dav.reset_counts();
        self.google.reset_counts();
    }

    pub(super) fn writes(&self) -> u64 {
        self.graph.counts().writes() + self.dav.counts().writes() + self.google.counts().writes()
    }

    pub(super) fn manners(&self) -> String {
        let mut words = String::new();
        self.graph.manners(|manners| words = format!("{manners:?}"));
        words
    }

    /// Fails where a guest was mailed, or a request broke a server's rules.
    pub(super) fn check(&self) -> Result<()> {
        let Self { graph, dav, google } = self;
        let complaints = [graph.violations(), google.violations(), dav.complaints()].concat();
        ensure!(complaints.is_empty(), "{complaints:?}");
        ensure!((graph.mails(), google.mails(), dav.mails_sent()) == (0, 0, 0), "mails");
        ensure!((graph.without_id_type(), graph.unconditional()) == (0, 0), "preconditions");
        Ok(())
    }
}
