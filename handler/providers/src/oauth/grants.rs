//! The grants of this process: everything that works with an account shares its grant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use super::client::Client;
use super::granted::TokenGrant;
use super::refresh::Grant;
use super::refresh_token_store::RefreshTokenStore;

/// With more users than this, unused grants are dropped, and their access tokens with them.
const MAX_USERS: usize = 1024;

/// The grants of this process.
pub struct Grants {
    client: Arc<Client>,
    /// By user. A user may have an older grant that is still in use, or a grant under another
    /// owner's account.
    known: Mutex<HashMap<String, Vec<Arc<Grant>>>>,
}

impl Grants {
    /// No grants yet.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// The client that the grants were issued to.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The grant of a user with this refresh token, as storage has it. Refresh tokens that replace
    /// it go to `store`. No request is made.
    pub fn open(
        &self,
        user: &str,
        refresh: &SecretString,
        store: Arc<dyn RefreshTokenStore>,
    ) -> Arc<Grant> {
        let mut known = self.known();
        let found = known
            .get(user)
            .and_then(|grants| grants.iter().find(|grant| grant.is_of(refresh)))
            .cloned();
        let grant = found.unwrap_or_else(|| {
            add(&mut known, user, Grant::new(&self.client, user, refresh.clone()))
        });
        grant.store_in(store);
        grant
    }

    /// Adds the tokens of a consent, so that their first use costs no refresh.
    pub fn begin(&self, user: &str, granted: TokenGrant) {
        add(&mut self.known(), user, Grant::with_access(&self.client, user, granted));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<Grant>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(known: &mut HashMap<String, Vec<Arc<Grant>>>, user: &str, grant: Grant) -> Arc<Grant> {
    let used = |grant: &Arc<Grant>| Arc::strong_count(grant) > 1;
    if known.len() >= MAX_USERS {
        known.retain(|_, grants| {
            grants.retain(|grant| used(grant) || grant.has_access_token());
            !grants.is_empty()
        });
    }
    let grants = known.entry(user.to_owned()).or_default();
    grants.retain(used);
    let grant = Arc::new(grant);
    // The newest first: after a reconnection with the same token, `open` finds this one.
    grants.insert(0, grant.clone());
    grant
}
