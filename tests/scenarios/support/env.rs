//! The environment in this process: two servers, and an installation between them.

use simulators::caldav::CalDav;

use super::installation::Installation;
use super::servers::{Ends, Server, TestServer};

/// Anna and Ben with a calendar each, and a pair that no pass has worked on yet.
pub struct Env<S: TestServer = CalDav> {
    pub installation: Installation,
    pub servers: [S; 2],
    /// Anna's calendar (`from`) and Ben's (`to`).
    pub people: [S::Calendar; 2],
}

impl<S: TestServer> std::ops::Deref for Env<S> {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl<S: TestServer> std::ops::DerefMut for Env<S> {
    fn deref_mut(&mut self) -> &mut Installation {
        &mut self.installation
    }
}

impl<S: TestServer> Env<S> {
    pub fn new(installation: Installation, ends: Ends<S>) -> Self {
        let Ends { servers, people, .. } = ends;
        Self { installation, servers, people }
    }

    /// Writes that the two servers received since the counts were reset.
    pub fn writes(&self) -> [u64; 2] {
        self.servers.each_ref().map(|server| server.counts().writes())
    }

    pub fn reset_counts(&self) {
        self.servers.iter().for_each(S::reset_counts);
    }

    /// Fails where an attendee was mailed, or a request broke a server's rules.
    pub fn check_servers(&self) -> anyhow::Result<()> {
        self.servers.iter().try_for_each(S::check)
    }

    /// Panics where an attendee was mailed, or a request broke a server's rules.
    #[track_caller]
    pub fn assert_no_harm(&self) {
        self.check_servers().expect("no attendee is mailed, and no server complains");
    }
}

impl From<Env<CalDav>> for Env<Server> {
    fn from(env: Env<CalDav>) -> Self {
        let Env { installation, servers, people } = env;
        Self {
            installation,
            servers: servers.map(Server::CalDav),
            people: people.map(simulators::person::Person::from),
        }
    }
}
