//! What the pair, or the two pairs of two installations, should do.

use jobs::SyncOptions;

use crate::support::installation::Terms;

/// The rules in force.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Two-way, and what is private: `private` on the side that is written to, `private_back` on
    /// the other one.
    pub terms: Terms,
    /// From which side the pair goes.
    pub from: usize,
    /// Two installations that do not know each other: one goes from `from`, the other one back,
    /// each one-way.
    pub has_second: bool,
    /// There is a pair at all.
    pub paired: bool,
}

impl Rules {
    /// Whether events of this side are copied.
    pub fn is_source(&self, side: usize) -> bool {
        self.paired && (self.terms.two_way || self.has_second || side == self.from)
    }

    /// Whether copies on this side show no details.
    pub fn is_private(&self, side: usize) -> bool {
        if side == self.from { self.terms.private_back } else { self.terms.private }
    }

    /// Whether copies on this side are all that a person can say nothing through, but their time.
    pub fn only_times_count(&self, side: usize) -> bool {
        self.terms.two_way && self.is_private(side)
    }

    /// The terms of the second installation's pair, which goes the other way.
    pub fn second(&self) -> Terms {
        Terms { two_way: false, private: self.terms.private_back, private_back: false }
    }
}

/// Everything is read from the start.
pub fn full() -> SyncOptions {
    SyncOptions { full: true, ..SyncOptions::default() }
}
