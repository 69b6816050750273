//! What the measurement of pushes asks of a simulated provider.

use std::time::Duration;

use simulators::traffic::Counts;

/// The title, the start and the end of an event, an hour of tomorrow in UTC.
pub struct Hour {
    /// The title.
    pub title: String,
    /// `2026-03-10T10:00:00`, without a zone.
    pub start: String,
    /// Likewise.
    pub end: String,
}

/// A notification as it goes to the program.
pub struct Call {
    /// Path below the program's address.
    pub path: &'static str,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// What the measurement expects of a provider.
pub struct Aims {
    /// Half of the copies, standalone.
    pub half: Duration,
    /// 95 % of the copies, standalone. Under the host it is two seconds.
    pub most: Duration,
    /// Reads for a new event, its echo's with them.
    pub new: f64,
    /// Reads for a burst, its echo's with them.
    pub burst: u64,
    /// Why they are so many, and why a burst takes as long as it does.
    pub note: &'static str,
}

/// A simulated provider.
pub trait Cloud: Sized + Send + Sync + 'static {
    /// A calendar.
    type Calendar;

    /// Its name in commands.
    const NAME: &'static str;

    /// What is expected.
    const AIMS: Aims;

    /// Starts it.
    async fn start() -> anyhow::Result<Self>;

    /// The settings under which the program finds it.
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// A new person's calendar, the name of the calendar, and a refresh token.
    fn person(&self, address: &str) -> (Self::Calendar, String, String);

    /// Every call takes so long from now on, and notifications are handed over by this program.
    fn begin(&self, latency: Duration);

    /// How many watches live.
    fn watches(&self) -> usize;

    /// A person puts an event; its id.
    fn add(calendar: &Self::Calendar, event: &Hour) -> String;

    /// A person gives an event another title.
    fn rename(calendar: &Self::Calendar, id: &str, title: &str) -> bool;

    /// Whether an event with this title is there.
    fn has(calendar: &Self::Calendar, title: &str) -> bool;

    /// How many events there are.
    fn len(calendar: &Self::Calendar) -> usize;

    /// What was asked, without the tokens.
    fn counts(&self) -> Counts;

    /// Counts from zero.
    fn reset_counts(&self);

    /// Gives the calls that were not given before, each time that it is called.
    fn outbox(&self) -> impl FnMut() -> Vec<Call> + Send + 'static;

    /// That no guest was mailed, no quota was met and no rule was broken.
    fn check(&self) -> anyhow::Result<()>;
}
