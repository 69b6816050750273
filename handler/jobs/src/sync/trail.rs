//! What a pass adds to the audit trail: that deletions wait for their owner, and that they wait no
//! more.

use super::pass::Pass;
use crate::audit;
use crate::audit::Actor;
use records::pair_state::HeldRow;
use records::problem::HeldKind;

impl Pass<'_> {
    /// A hold that has begun, or is over, by what was held before and what is held now.
    pub(super) async fn trail_hold(
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
