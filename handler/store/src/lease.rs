//! Exclusive work: several leases taken together, and the means to ask whether they still hold.

use std::time::Duration;

use async_trait::async_trait;

use crate::Result;

/// Exclusive work.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the leases of all these names, or none of them while somebody living holds one. A name
    /// is one within its `scope` (whoever's work it is); the same name twice counts once. They end
    /// together: when the value is ended or dropped, or when its process dies (embedded: at once;
    /// Azure: within 30 s).
    ///
    /// # Errors
    /// Where storage fails. Leases that were taken all the same end by themselves.
    async fn acquire(&self, scope: &str, names: &[&str]) -> Result<Acquired>;

    /// How long to wait before a lease that was busy is asked for again: asking costs nothing here
    /// and a transaction there.
    fn pause(&self) -> Duration;
}

/// What came of asking for leases.
#[derive(Debug)]
pub enum Acquired {
    /// All of them are held.
    Taken(Lease),
    /// None is: the name at this index, the first of those that are busy, is somebody else's for
    /// now.
    Busy(usize),
}

impl Acquired {
    /// The leases, if they were taken.
    pub fn taken(self) -> Option<Lease> {
        match self {
            Self::Taken(lease) => Some(lease),
            Self::Busy(_) => None,
        }
    }
}

/// Leases, held while a piece of work is done; they end when this is dropped.
pub struct Lease(Box<dyn Hold>);

/// What keeps leases, and gives them back when it is dropped.
#[async_trait]
pub trait Hold: Send + Sync {
    /// As [`Lease::holds`].
    fn holds(&self) -> bool;

    /// As [`Lease::end`].
    async fn end(self: Box<Self>);
}

impl Lease {
    /// Wraps whatever keeps the leases.
    pub fn new(hold: impl Hold + 'static) -> Self {
        Self(Box::new(hold))
    }

    /// Whether nobody else can have taken them over. Asks nobody and costs nothing, so it is asked
    /// before each step that must not be done by two. `false` may turn to `true` again: storage was
    /// out of reach for long, and nobody came meanwhile.
    pub fn holds(&self) -> bool {
        self.0.holds()
    }

    /// Ends them, and returns when that is done, or after a few seconds: whoever comes next need
    /// not wait. Dropping ends them as well, at some moment soon.
    pub async fn end(self) {
        self.0.end().await;
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("holds", &self.holds()).finish_non_exhaustive()
    }
}
