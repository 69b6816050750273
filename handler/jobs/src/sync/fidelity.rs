//! What each calendar keeps of what is written to it, from one pass to the next.

use engine::fidelity::Fidelity;
use records::pair_state::StateRecord;

use super::context::Context;

impl Context<'_> {
    /// Gives the providers what is stored of what each calendar keeps. A full pass finds that out
    /// again.
    pub(super) fn restore_fidelity(&self, state: &StateRecord) {
        for (side, end) in self.ends.iter().filter(|_| !self.options.full) {
            if let Some(kept) = &state.fidelity[side] {
                end.provider.recall(&end.calendar.address, kept);
            }
        }
    }

    pub(super) fn note_fidelity(&self, state: &mut StateRecord) {
        if self.options.dry_run {
            return;
        }
        state.fidelity = self.ends.as_ref().map(|end| {
            let fidelity = end.provider.fidelity(&end.calendar.address);
            fidelity.filter(|kept| *kept != Fidelity::default())
        });
    }
}
