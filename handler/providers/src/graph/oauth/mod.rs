//! Consent as the Microsoft identity platform has it
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>).
//!
//! # Properties
//! * Accounts of any directory and personal accounts sign in at one address, `common`.
//! * The id_token names the owner of a grant: the directory and the user's id in it. A guest has
//!   another id in each directory, and so is another owner there.
//! * In most organisations an administrator has to allow the program first. A refusal that has this
//!   reason says so, and there is a page for the administrator ([`OAuthSettings`]).
//! * A refused client secret concerns the operator. It changes the state of no account.
//! * Microsoft has no revocation: the owner removes the grant, or the administrator.
//! * Only the worldwide cloud: accounts of the clouds for governments and for China are refused in
//!   words.

mod owner;
mod refusal;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{LOGIN_URL, OAuthSettings, is_sovereign};

pub use crate::oauth::{Authorization, Client, Grant, Grants, TokenGrant};
