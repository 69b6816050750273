//! The grants of a process: all that work with an account share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use super::client::{Client, TokenGrant};
use super::grant::Grant;
use crate::RefreshTokenStore;

/// From here on grants that nobody uses are forgotten, and their access tokens with them.
const MANY: usize = 1024;

/// The grants of a process.
pub struct Grants {
    client: Arc<Client>,
    /// By user: most have one, and some an older one that is still in use, or one in somebody
    /// else's name.
    known: Mutex<HashMap<String, Vec<Arc<Grant>>>>,
}

impl Grants {
    /// None yet.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// The client that they were given to.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The grant of a user with this refresh token, as it is stored. Refresh tokens that replace it
    /// go to `keep`. No request is made.
    pub fn open(
        &self,
        user: &str,
        refresh: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> Arc<Grant> {
        let mut known = self.known();
        let found = known
            .get(user)
            .and_then(|grants| grants.iter().find(|grant| grant.is_of(refresh)))
            .cloned();
        let grant = found
            .unwrap_or_else(|| add(&mut known, user, Grant::new(&self.client, refresh.clone())));
        grant.keep_with(keep);
        grant
    }

    /// Takes in what a consent just gave, so that its first use costs no refresh.
    pub fn begin(&self, user: &str, granted: TokenGrant) {
        add(&mut self.known(), user, Grant::fresh(&self.client, granted));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<Grant>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(known: &mut HashMap<String, Vec<Arc<Grant>>>, user: &str, grant: Grant) -> Arc<Grant> {
    let used = |grant: &Arc<Grant>| Arc::strong_count(grant) > 1;
    if known.len() >= MANY {
        known.retain(|_, grants| {
            grants.retain(|grant| used(grant) || grant.is_warm());
            !grants.is_empty()
        });
    }
    let grants = known.entry(user.to_owned()).or_default();
    grants.retain(used);
    let grant = Arc::new(grant);
    // The newest first: after a reconnection with the same token it is the one to be found.
    grants.insert(0, grant.clone());
    grant
}
