//! What starts us: the table of all functions. Both hosts mount it, the Functions host's handler
//! and the standalone one.
//!
//! A function is a folder: `function.json` says what triggers it, `mod.rs` takes the trigger apart
//! and hands over to `jobs`. The file is the one truth about routes, schedules and queues; the
//! Functions host reads it from the package, and the standalone host reads the copy in here.
//!
//! # Properties
//! * The handler's port takes an invocation as `POST /NAME`, and requests from outside under their
//!   own paths. So no route may match the name of a function: an outsider could invoke it. A test
//!   walks all routes against all names.
//! * Everybody may call every HTTP function, and who may do what is decided in it; but for
//!   `diagnose`, whose key the Functions host checks.
//! * Webhooks and timers only send nudges; those that renew something do that as well.
//!
//! # To add another one
//! Make the folder, and a line in [`FUNCTIONS`]; the tests hold its `function.json` to what the
//! Functions host accepts.

pub mod binding;
mod connect;
pub mod cookie;
mod diagnose;
mod google_webhook;
mod health;
mod home;
pub mod host;
mod oauth_callback;
pub mod page;
mod poll_caldav;
mod reconcile;
mod renew_google_channels;
pub mod route;
mod sync_calendar;
mod sync_calendar_poison;
#[cfg(test)]
mod tests;
pub mod trigger;

pub use connect::PATH as CONNECT;
use trigger::FunctionCode;

/// One function.
pub struct Function {
    /// The name of its folder.
    pub name: &'static str,
    /// Its `function.json`.
    pub json: &'static str,
    /// Its code.
    pub run: FunctionCode,
}

/// `host.json`: how both hosts treat queues and requests.
pub const HOST_JSON: &str = include_str!("../host.json");

/// The largest body that a person's browser sends.
const FORM: usize = 64 * 1024;
/// Of a request whose body is not looked at.
const NONE: usize = 0;

/// All functions.
pub const FUNCTIONS: [Function; 11] = [
    Function {
        name: "connect",
        json: include_str!("connect/function.json"),
        run: FunctionCode::Http(FORM, connect::run),
    },
    Function {
        name: "diagnose",
        json: include_str!("diagnose/function.json"),
        run: FunctionCode::Http(FORM, diagnose::run),
    },
    Function {
        name: "google_webhook",
        json: include_str!("google_webhook/function.json"),
        run: FunctionCode::Http(NONE, google_webhook::run),
    },
    Function {
        name: "health",
        json: include_str!("health/function.json"),
        run: FunctionCode::Http(FORM, health::run),
    },
    Function {
        name: "home",
        json: include_str!("home/function.json"),
        run: FunctionCode::Http(FORM, home::run),
    },
    Function {
        name: "oauth_callback",
        json: include_str!("oauth_callback/function.json"),
        run: FunctionCode::Http(FORM, oauth_callback::run),
    },
    Function {
        name: "poll_caldav",
        json: include_str!("poll_caldav/function.json"),
        run: FunctionCode::Poll(poll_caldav::run),
    },
    Function {
        name: "reconcile",
        json: include_str!("reconcile/function.json"),
        run: FunctionCode::Timer(reconcile::run),
    },
    Function {
        name: "renew_google_channels",
        json: include_str!("renew_google_channels/function.json"),
        run: FunctionCode::Upkeep(renew_google_channels::run),
    },
    Function {
        name: "sync_calendar",
        json: include_str!("sync_calendar/function.json"),
        run: FunctionCode::Queue(sync_calendar::run),
    },
    Function {
        name: "sync_calendar_poison",
        json: include_str!("sync_calendar_poison/function.json"),
        run: FunctionCode::Queue(sync_calendar_poison::run),
    },
];
