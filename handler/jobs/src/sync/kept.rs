//! What each calendar is known to keep as it is written, from one pass to the next.

use engine::fidelity::Fidelity;

use super::pass::Pass;
use records::pair_state::StateRecord;

impl Pass<'_> {
    /// Reminds the providers of what each calendar keeps; where everything is to be looked at
    /// again, that is as well.
    pub(super) fn recall(&self, state: &StateRecord) {
        for (end, kept) in self.ends.iter().zip(&state.fidelity).filter(|_| !self.options.full) {
            if let Some(kept) = kept {
                end.provider.recall(&end.calendar.address, kept);
            }
        }
    }

    /// What each calendar is known to keep by now.
    pub(super) fn kept(&self) -> [Option<Fidelity>; 2] {
        self.ends.each_ref().map(|end| {
            end.provider.fidelity(&end.calendar.address).filter(|kept| *kept != Fidelity::default())
        })
    }
}
