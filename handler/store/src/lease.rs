//! Exclusive work: several leases that are taken together, and a check whether they still hold.

use std::time::Duration;

use async_trait::async_trait;

use crate::Result;

/// Exclusive work.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the leases of all these names, or none of them while another holder has one. A name
    /// belongs to a `scope` (the owner of the work); a repeated name counts once. The leases end
    /// together: when the value is ended or dropped, or when its process dies (embedded: at once;
    /// Azure: within 30 s).
    ///
    /// # Errors
    /// If storage fails. Leases that were taken nevertheless expire.
    async fn acquire(&self, scope: &str, names: &[&str]) -> Result<Acquired>;

    /// How long to wait before a busy lease is tried again. An attempt is free on a local disk and
    /// costs a transaction in Azure.
    fn pause(&self) -> Duration;
}

/// The result of [`Leases::acquire`].
#[derive(Debug)]
pub enum Acquired {
    /// All leases are taken.
    Taken(Lease),
    /// None is taken: another holder has the name at this index, the first busy one.
    Busy(usize),
}

impl Acquired {
    /// The leases, or `None` if one was busy.
    pub fn taken(self) -> Option<Lease> {
        match self {
            Self::Taken(lease) => Some(lease),
            Self::Busy(_) => None,
        }
    }
}

/// Leases that are held while work is done. They end when this value is dropped.
pub struct Lease(Box<dyn Hold>);

/// Holds leases for [`Lease`], and ends them when it is dropped.
#[async_trait]
pub trait Hold: Send + Sync {
    /// As [`Lease::holds`].
    fn holds(&self) -> bool;

    /// As [`Lease::end`].
    async fn end(self: Box<Self>);
}

impl Lease {
    /// Leases that `hold` keeps.
    pub fn new(hold: impl Hold + 'static) -> Self {
        Self(Box::new(hold))
    }

    /// Whether no other holder can have taken the leases over. Sends no request, so callers check
    /// it before each step that two processes must not both do. `false` can become `true` again:
    /// storage was unreachable for long, and no other process took the leases.
    pub fn holds(&self) -> bool {
        self.0.holds()
    }

    /// Ends the leases, and returns when that is done, or after a few seconds. The next holder then
    /// need not wait. Dropping ends the leases too, but later.
    pub async fn end(self) {
        self.0.end().await;
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("holds", &self.holds()).finish_non_exhaustive()
    }
}
