//! A stand-in for the Functions host, written from its contract with a custom handler: what it gives, what it expects, what it refuses.
//!
//! It reads a packaged app (`host.json` and a folder with `function.json` for each function), starts the handler with the host's environment,
//! waits until it answers, proxies requests from outside by their routes, fires timers, and drains a queue with dequeue counts, delays after a
//! failure and a poison queue.
//!
//! # Properties
//! * Where the host would hang, fail or kill, the stand-in says so in words: an empty answer to an invocation, one that is no JSON, an end with
//!   status 0 (after which the host starts nothing any more), an illegal name, a route that two functions share.
//! * Messages are wrapped as the host's source wraps them: strings are encoded once more, numbers are strings, and the fields of a message that is
//!   an object are laid over the metadata.
//! * It shares no code with the product.

mod app;
mod drain;
mod envelope;
mod front;
mod handler;
mod route;

pub use app::{App, Function, Trigger};
pub use drain::{Drained, Received, Source};
pub use front::Front;
pub use handler::{Environment, Handler, Outcome};
