//! Azure Key Vault, as far as it wraps and unwraps keys, with real RSA; and the metadata service
//! that signs a machine in.
//!
//! `state.rs` holds the keys and the access to them, `http.rs` Key Vault's REST interface,
//! `faults.rs` what goes wrong, and `transport.rs` the connection for a client that requires https
//! and Azure's names.
//!
//! Properties:
//! - A request without a token is challenged before any other check; a body that came with
//!   it is held against the client ([`Counts::bodies_before_sign_in`]), as a vault may require
//!   proof of possession first.
//! - Tokens are those that the metadata service here gave out; withdrawn or made up ones are
//!   refused.
//! - Anything that Key Vault would not take is refused as it would refuse it: other methods and
//!   paths, another api-version, another algorithm, padding, unknown fields, too long a value.
//! - Everything that a test does through [`KeyVault`] happens past HTTP, and is not counted.

mod faults;
mod http;
mod state;
mod transport;

use std::sync::{Arc, Mutex, MutexGuard};

use crate::wire::Listener;
use state::{State, lock};

pub use faults::Fault;
pub use state::Counts;
pub use transport::ToLoopback;

/// A running vault with one key. Dropping it ends it.
#[derive(Debug)]
pub struct KeyVault {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

impl KeyVault {
    /// Starts a vault of this name with an RSA key of 2,048 bits.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(vault: &str, key: &str) -> std::io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(vault, key)));
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |request| {
            let state = Arc::clone(&shared);
            async move { http::answer(&state, request).await }
        })
        .await?;
        Ok(Self { state, listener })
    }

    /// The key's identifier, as the portal shows it.
    pub fn identifier(&self) -> String {
        self.state().identifier()
    }

    /// What carries a client's requests here.
    pub fn transport(&self) -> ToLoopback {
        ToLoopback::new(self.state().host(), self.listener.url())
    }

    /// Makes a new version of the key, which wraps from now on; says which.
    pub fn rotate(&self) -> String {
        self.state().rotate()
    }

    /// The version that wraps now.
    pub fn newest(&self) -> String {
        self.state().newest()
    }

    /// Switches a version off, or on again.
    pub fn enable(&self, version: &str, enabled: bool) {
        self.state().enable(version, enabled);
    }

    /// Deletes the whole key, or recovers it: it is only hidden, as with soft delete.
    pub fn delete(&self, deleted: bool) {
        self.state().deleted = deleted;
    }

    /// Lets the program's identity use the key, or no longer.
    pub fn allow(&self, allowed: bool) {
        self.state().allowed = allowed;
    }

    /// From now on every call is struck by this; `None` ends it.
    pub fn all(&self, fault: Option<Fault>) {
        self.state().always = fault;
    }

    /// The next call that is not struck already is struck by this.
    pub fn next(&self, fault: Fault) {
        self.state().planned.push_back(fault);
    }

    /// The tokens that are good now: what must not be found in any log.
    pub fn tokens(&self) -> Vec<String> {
        self.state().tokens.iter().cloned().collect()
    }

    /// What was asked since the last reset.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.state().counts = Counts::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests;
