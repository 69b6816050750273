//! Services for the tests of this crate: embedded storage in a directory, and a clock that the
//! storage has too.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use providers::Provider;
use secrecy::SecretString;
use store::Embedded;
use vault::Envelope;

use crate::services::{Owners, Services};
use crate::{Clock, Connect};

/// A time that does not change.
#[derive(Clone, Copy)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Reaches no provider, for this reason.
pub struct NoProvider(pub fn() -> providers::Error);

#[async_trait]
impl Connect for NoProvider {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(self.0())
    }

    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(self.0())
    }
}

/// Services with all rows and keys in `dir`.
pub fn services(dir: &Path, connect: Arc<dyn Connect>, clock: Arc<dyn Clock>) -> Services {
    let store_clock = clock.clone();
    let store = Arc::new(Embedded::open(dir, move || store_clock.now()).unwrap());
    Services {
        leases: store.clone(),
        queue: store.clone(),
        store,
        vault: Arc::new(Envelope::local(dir).unwrap()),
        connect,
        clock,
        setup: Arc::default(),
        in_process: Arc::default(),
        owners: Owners::default(),
    }
}
