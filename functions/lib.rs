//! The table of all functions: what starts the work. Both hosts serve it: the custom handler of the
//! Functions host, and the standalone host.
//!
//! A function is a folder: `function.json` defines the trigger, `mod.rs` reads the trigger's data
//! and calls `jobs`. Routes, schedules and queues are defined in `function.json` only: the
//! Functions host reads it from the package, the standalone host from the copy in this crate.
//!
//! # Properties
//! * The handler's port accepts an invocation as `POST /NAME`, and external requests under their
//!   own paths. So no route may match the name of a function: an external request could invoke it.
//!   A test compares all routes with all names.
//! * Every HTTP function accepts all requests and decides itself what is allowed, except
//!   `diagnose`: the Functions host checks its key.
//! * Webhooks and timers only send nudges; the timers of watches also renew them.
//!
//! # To add another one
//! Create the folder, and a line in [`FUNCTIONS`]; the tests compare its `function.json` with what
//! the Functions host accepts.

mod api;
pub mod binding;
mod callback_pages;
mod connect;
mod connect_pages;
mod delivery_reply;
mod diagnose;
mod error;
mod form_origin;
mod google_webhook;
mod health;
mod health_reply;
mod home;
pub mod host_json;
mod microsoft_lifecycle;
mod microsoft_webhook;
mod oauth_callback;
pub mod page;
mod pages;
mod poll_caldav;
mod reconcile;
pub mod refusal_page;
mod renew_google_channels;
mod renew_graph_subscriptions;
mod renewal;
pub mod route;
mod sync_calendar;
mod sync_calendar_poison;
#[cfg(test)]
mod tests;
pub mod trigger;

pub use error::Error;
use trigger::FunctionCode;
pub use web::consent_words::{callback_path, start_path};
pub use web::oauth_cookie as cookie;

/// A function with its trigger and its code.
pub struct Function {
    /// The name of the folder.
    pub name: &'static str,
    /// The content of `function.json`.
    pub json: &'static str,
    pub run: FunctionCode,
}

/// `host.json`: how both hosts treat queues and requests.
pub const HOST_JSON: &str = include_str!("../host.json");

/// The largest body of a form.
const MAX_FORM: usize = 64 * 1024;
/// The largest body of notifications: a thousand of them, and room.
const MAX_BATCH: usize = 1024 * 1024;
/// For functions that ignore the body.
const NO_BODY: usize = 0;

/// All functions.
pub const FUNCTIONS: [Function; 16] = [
    Function {
        name: "api",
        json: include_str!("api/function.json"),
        run: FunctionCode::Router(MAX_FORM, api::run),
    },
    Function {
        name: "connect",
        json: include_str!("connect/function.json"),
        run: FunctionCode::Http(MAX_FORM, connect::run),
    },
    Function {
        name: "diagnose",
        json: include_str!("diagnose/function.json"),
        run: FunctionCode::Http(MAX_FORM, diagnose::run),
    },
    Function {
        name: "google_webhook",
        json: include_str!("google_webhook/function.json"),
        run: FunctionCode::Http(NO_BODY, google_webhook::run),
    },
    Function {
        name: "health",
        json: include_str!("health/function.json"),
        run: FunctionCode::Http(MAX_FORM, health::run),
    },
    Function {
        name: "home",
        json: include_str!("home/function.json"),
        run: FunctionCode::Http(MAX_FORM, home::run),
    },
    Function {
        name: "microsoft_lifecycle",
        json: include_str!("microsoft_lifecycle/function.json"),
        run: FunctionCode::Http(MAX_BATCH, microsoft_lifecycle::run),
    },
    Function {
        name: "microsoft_webhook",
        json: include_str!("microsoft_webhook/function.json"),
        run: FunctionCode::Http(MAX_BATCH, microsoft_webhook::run),
    },
    Function {
        name: "oauth_callback",
        json: include_str!("oauth_callback/function.json"),
        run: FunctionCode::Http(MAX_FORM, oauth_callback::run),
    },
    Function {
        name: "pages",
        json: include_str!("pages/function.json"),
        run: FunctionCode::Router(MAX_FORM, pages::run),
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
        run: FunctionCode::TimerAtStart(renew_google_channels::run),
    },
    Function {
        name: "renew_graph_subscriptions",
        json: include_str!("renew_graph_subscriptions/function.json"),
        run: FunctionCode::TimerAtStart(renew_graph_subscriptions::run),
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
