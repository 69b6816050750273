//! Who may ask: access tokens of programs, and sessions of browsers.
//!
//! # Properties
//! * Storage holds hashes only. A token and the secret of a link are shown once.
//! * A token that was removed, has expired or is spelled otherwise is no token.
//! * A link signs one browser in: of two browsers that use it at once, one is. It is valid for half
//!   an hour, a session for 14 days.
//! * A request reads one row. It writes one where the day of a token's last use, or the hour in
//!   which a session was last seen, is another.
//! * Limits of tries hold for all instances together.

mod sessions;
mod tokens;
mod tries;

#[cfg(test)]
mod tests;

pub use records::token::Permission;
pub use sessions::{SESSION_LIFETIME, SignInLink, end_session, is_session, make_link, sign_in};
pub use tokens::{MadeToken, NewToken, PREFIX, TokenOwner, TokenState, add, list, remove, verify};
pub use tries::count_try;
