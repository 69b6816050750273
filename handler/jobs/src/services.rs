//! What a job may use: [`Services`] belong to the process, a [`Scope`] says for which owner a job
//! works.

use std::ops::Deref;
use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;
use records::directory::Directory;
use records::snapshot::Snapshot;
use store::{Leases, Queue, Store};
use vault::Vault;

use crate::connector::Connect;
use crate::in_process::{InProcess, OwnerWork};
use crate::setup::Setup;
use crate::{Error, Result};

/// Owners for whom a timer works at once.
const OWNERS_AT_ONCE: usize = 16;

/// The owner in single-user mode.
pub const LOCAL_OWNER: &str = "local";

/// The time. Only the host reads the clock of the system.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// The services of the process.
#[derive(Clone)]
pub struct Services {
    pub store: Arc<dyn Store>,
    /// Exclusive work.
    pub leases: Arc<dyn Leases>,
    /// The queue of nudges.
    pub queue: Arc<dyn Queue>,
    /// Sealed secrets, and the keys of fingerprints and marks.
    pub vault: Arc<dyn Vault>,
    pub connect: Arc<dyn Connect>,
    pub clock: Arc<dyn Clock>,
    /// The owners for whom timers work.
    pub owners: Owners,
    /// What the host knows about this installation.
    pub setup: Arc<Setup>,
    /// What this process knows about its own work.
    pub in_process: Arc<InProcess>,
}

/// The index of owners. In single-user mode it holds [`LOCAL_OWNER`].
#[derive(Clone, Debug)]
pub struct Owners(Arc<[String]>);

impl Owners {
    /// An index of these owners.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

impl Default for Owners {
    fn default() -> Self {
        Self::of([LOCAL_OWNER])
    }
}

/// The work of one owner: the partition of the owner's rows, and the scope of the owner's leases.
#[derive(Clone)]
pub struct Scope {
    pub services: Services,
    pub owner: String,
    /// What this process knows of its work for the owner.
    pub(crate) work: Arc<OwnerWork>,
}

impl Services {
    /// The scope of this owner.
    pub fn scope(&self, owner: &str) -> Scope {
        Scope {
            services: self.clone(),
            owner: owner.to_owned(),
            work: self.in_process.owner(owner),
        }
    }

    /// The scope of the owner of single-user mode.
    pub fn local(&self) -> Scope {
        self.scope(LOCAL_OWNER)
    }

    /// The scopes of all owners in the index.
    ///
    /// # Errors
    /// Storage failures.
    #[expect(clippy::unused_async, reason = "an index of several owners is read from storage")]
    pub async fn scopes(&self) -> Result<Vec<Scope>> {
        Ok(self.owners.0.iter().map(|owner| self.scope(owner)).collect())
    }

    /// Runs a job for every owner, for several owners at once. A failure for one owner stops
    /// no other owner's job; failures after the first are logged.
    ///
    /// # Errors
    /// Where the index of owners cannot be read.
    pub async fn for_each_owner<T, Work>(&self, work: impl Fn(Scope) -> Work) -> Result<PerOwner<T>>
    where
        Work: Future<Output = Result<T>>,
    {
        let mut works = Vec::new();
        for scope in self.scopes().await? {
            let owner = scope.owner.clone();
            let work = work(scope);
            works.push(async move { (owner, work.await) });
        }
        let mut ended = futures::stream::iter(works).buffer_unordered(OWNERS_AT_ONCE);
        let mut all = PerOwner { done: Vec::new(), failure: None };
        while let Some((owner, outcome)) = ended.next().await {
            match outcome {
                Ok(done) => all.done.push(done),
                // The caller logs the first failure.
                Err(error) if all.failure.is_none() => all.failure = Some(error),
                Err(error) => tracing::warn!(%owner, %error, "the work for one owner failed"),
            }
        }
        Ok(all)
    }
}

/// What a job came to that runs for every owner.
pub struct PerOwner<T> {
    /// For the owners for whom the job succeeded.
    pub done: Vec<T>,
    /// The first failure.
    pub failure: Option<Error>,
}

impl<T> PerOwner<T> {
    /// The results, where no owner's job failed.
    ///
    /// # Errors
    /// The first failure.
    pub fn all(self) -> Result<Vec<T>> {
        self.failure.map_or(Ok(self.done), Err)
    }
}

impl Scope {
    /// The rows of the owner.
    pub fn directory(&self) -> Directory<'_> {
        Directory::new(&*self.services.store, &self.owner)
    }

    /// The rows of the owner as they are now, read with one request.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::read(&self.services.store, &self.owner).await.map_err(Error::from)
    }
}

impl Deref for Scope {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
