//! The servers of the recorded installation: two CalDAV servers and Google, with the calendars of
//! four pairs.

use simulators::caldav::{CalDav, Calendar, Manners};
use simulators::google::{self, Account, Quotas};
use simulators::person::Person;

use crate::support::accounts::USERS;

/// The folder of the recording.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/release-0.1");

/// User and password at each CalDAV server. The first has an `@`, which one server writes `%40` in
/// paths.
pub const PEOPLE: [(&str, &str); 2] = [("anna@example.org", USERS[0].1), USERS[1]];

/// The account at Google.
pub const GINA: &str = "gina@example.org";

/// The pairs, by the names that the recording has for them.
pub const PAIRS: [&str; 4] = ["two_way", "private", "google", "held"];

/// The calendars of each pair. `None` is Google's primary calendar.
pub const ENDS: [[Option<(usize, &str)>; 2]; 4] = [
    [Some((0, "main")), Some((1, "main"))],
    [Some((0, "Büro & mehr")), Some((1, "away"))],
    [None, Some((0, "gina"))],
    [Some((0, "many")), Some((1, "many"))],
];

/// How each is paired. The window reaches far ahead: recorded events are still to come years later.
pub const TERMS: [&[&str]; 4] = [
    &["--two-way", "--window-future", "120mo"],
    &["--private", "--window-future", "120mo"],
    &["--two-way", "--window-future", "120mo"],
    &["--window-future", "120mo"],
];

/// The servers, their calendars empty.
pub struct RecordedServers {
    pub servers: [CalDav; 2],
    pub google: google::Server,
}

impl RecordedServers {
    pub async fn new() -> anyhow::Result<Self> {
        let servers = [
            CalDav::start(Manners::generic()).await?,
            CalDav::start(Manners::radicale_like()).await?,
        ];
        let google = google::Server::start().await?;
        google.manners(|manners| manners.quotas = Quotas::NONE);
        google.account(GINA);
        for (server, (user, password)) in servers.iter().zip(PEOPLE) {
            server.account(user, password);
        }
        let backend = Self { servers, google };
        for (side, name) in ENDS.into_iter().flatten().flatten() {
            backend.calendar(side, name);
        }
        Ok(backend)
    }

    pub fn calendar(&self, side: usize, name: &str) -> Calendar {
        self.servers[side].calendar(PEOPLE[side].0, name)
    }

    pub fn gina(&self) -> Account {
        self.google.account(GINA)
    }

    /// Both people of a pair.
    pub fn people(&self, pair: &str) -> [Person; 2] {
        let at = PAIRS.iter().position(|name| *name == pair).expect("a recorded pair");
        ENDS[at].map(|end| match end {
            Some((side, name)) => self.calendar(side, name).into(),
            None => self.gina().primary().into(),
        })
    }

    /// The placeholders of the recording for the addresses of the servers, and the addresses of
    /// these.
    pub fn addresses(&self) -> [(&'static str, String); 3] {
        let host = |url: url::Url| url.authority().to_owned();
        [
            ("@anna-server@", host(self.servers[0].url())),
            ("@ben-server@", host(self.servers[1].url())),
            ("@google@", host(self.google.url())),
        ]
    }

    /// Writes that all servers were asked for since the counts were reset.
    pub fn writes(&self) -> [u64; 3] {
        [
            self.servers[0].counts().writes(),
            self.servers[1].counts().writes(),
            self.google.counts().writes(),
        ]
    }

    pub fn reset_counts(&self) {
        self.servers.iter().for_each(CalDav::reset_counts);
        self.google.reset_counts();
    }

    /// No server knows a sync token of before.
    pub fn forget_tokens(&self) {
        for (side, name) in ENDS.into_iter().flatten().flatten() {
            self.calendar(side, name).forget_tokens();
        }
        self.gina().primary().forget_tokens();
    }

    /// What both people of each pair see, a line an event.
    pub async fn agendas(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let mut all = Vec::new();
        for pair in PAIRS {
            for person in self.people(pair) {
                all.push(crate::support::cli_env::lines(&person).await?);
            }
        }
        Ok(all)
    }

    /// No guest was mailed, and no server has anything to complain about.
    pub fn assert_no_harm(&self) {
        for server in &self.servers {
            assert_eq!((server.mails_sent(), server.complaints()), (0, Vec::new()));
        }
        assert_eq!(
            (self.google.mails(), self.google.propagated(), self.google.violations()),
            (0, 0, Vec::new())
        );
    }
}
