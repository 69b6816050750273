//! What a pass adds to the audit trail: that deletions begin or cease to wait for the owner.

use records::pair_state::HeldRow;
use records::problem::HeldKind;

use super::context::Context;
use crate::audit::{self, Actor};

impl Context<'_> {
    /// Notes that a hold has begun, or is over.
    pub(super) async fn audit_hold(
        &self,
        before: Option<&HeldRow>,
        now: Option<&HeldRow>,
        deleted: u64,
    ) {
        let name = |row: &HeldRow| match row.held.kind {
            HeldKind::Deletions => "deletions",
            HeldKind::Emptied => "emptied",
        };
        let kinds = [before, now].map(|row| row.map(name));
        if kinds[0] == kinds[1] {
            return;
        }
        let (pair, itself) = (self.pair.id.as_str(), Actor::program());
        if let Some(kind) = kinds[0] {
            let outcome = format!("{deleted} deleted");
            audit::note(self.scope, &itself, &format!("{kind}.settled"), pair, &outcome).await;
        }
        if let Some((kind, row)) = kinds[1].zip(now) {
            let outcome = format!("{} of {}", row.held.deletions, row.held.of);
            audit::note(self.scope, &itself, &format!("{kind}.held"), pair, &outcome).await;
        }
    }
}
