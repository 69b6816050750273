//! Rows that a pass collects and commits together.

use store::Op;

/// Rows to be written, in groups.
#[derive(Default)]
pub struct Batch {
    pub(super) groups: Vec<Group>,
}

/// Rows that are written in one transaction.
pub(super) struct Group {
    pub ops: Vec<Op>,
    pub copies: i64,
    /// Change in the number of copies before the window.
    pub archived: i64,
    /// Change in the number of events that another installation has copied.
    pub by_another: i64,
    /// The group contains the mapping of an origin whose mapping id is not derived from the
    /// origin's name.
    pub has_alias: bool,
}

impl Group {
    pub(super) fn of(ops: Vec<Op>) -> Self {
        Self { ops, copies: 0, archived: 0, by_another: 0, has_alias: false }
    }
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }
}
