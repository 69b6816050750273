//! What is stored of the keys of this installation: when they were rotated last. The row stands in a partition of its own ([`PARTITION`]), as it
//! belongs to no owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Lease, Op, Table};

use super::{lease, rows};
use crate::{Result, Services};

/// The partition of this row, and the scope of the lease.
const PARTITION: &str = "vault";
const ROTATED: &str = "rotated";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rotated {
    at: Timestamp,
}

/// Taken while keys are rotated.
pub(crate) async fn lease_keys(services: &Services) -> Result<Lease> {
    lease::keys(&installation(services)).await
}

/// When keys were rotated last, before this time, which is noted in its place.
pub(crate) async fn note_rotation(services: &Services) -> Result<Option<Timestamp>> {
    let services = &installation(services);
    let before = rows::get::<Rotated>(services, ROTATED).await?.map(|(row, _)| row.at);
    let value = rows::encode(&Rotated { at: services.clock.now() })?;
    services.store.commit(Table::Directory, PARTITION, &[Op::Put { key: ROTATED.into(), value }]).await?;
    Ok(before)
}

/// The same services, at work for nobody in particular.
fn installation(services: &Services) -> Services {
    Services { owner: PARTITION.into(), ..services.clone() }
}
