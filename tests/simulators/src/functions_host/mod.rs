//! A stand-in for the Functions host, written from the host's contract with a custom handler: what
//! the host sends, expects and refuses.
//!
//! It reads a packaged app (`host.json` and a folder with `function.json` for each function),
//! starts the handler with the host's environment, waits until it answers, and from then on runs by
//! itself: it proxies requests from outside by their routes and keys, fires timers, drains queues
//! with dequeue counts, delays after a failure and poison queues, and starts the handler again when
//! it ends. A [`Site`] is the app with what outlives its instances, a [`Host`] one instance of
//! several.
//!
//! # Properties
//! * It treats the handler as the host does. An empty response hangs until functionTimeout, and that
//!   kills the process with all its work. An exit status of 0 is final; after 200 the handler is
//!   started again; three other statuses within 30 minutes end the host. Mistakes that the real host
//!   would tolerate are recorded as text, too ([`Host::complaints`]).
//! * It refuses to load what the host would refuse, where the host would leave the function out and
//!   run the rest.
//! * Messages are wrapped as the host's source wraps them: strings are encoded once more, numbers are
//!   strings, and the fields of a message that is an object are laid over the metadata.
//! * It shares no code with the product: it has its own reader of schedules and of routes, and its
//!   own client of Storage Queues.
//! * No test waits for its timers: a test moves its [`Clock`]. Queues go by the clock of their
//!   service.
//!
//! # What it does not show
//! Scaling, cold starts, the limits of the front end, what Application Insights sees; requests are
//! passed on whole, not as streams.

mod app;
mod clock;
mod envelope;
mod front;
mod handler;
mod host;
mod listener;
mod ncrontab;
mod queue;
mod route;
mod shared;
mod storage_queue;
mod supervisor;
#[cfg(test)]
mod tests;
mod timer;

pub use app::{App, Function, Level, Trigger};
pub use clock::Clock;
pub use front::{HOST_KEY, MASTER_KEY};
pub use handler::Environment;
pub use host::{Down, Host, Site};
pub use queue::{Received, Source};
pub use shared::Tally;
pub use storage_queue::StorageQueues;
