//! What a commit changes in the counts of the pair.

use super::super::batch::Group;

/// What groups change in the counts of the pair.
#[derive(Default)]
pub(super) struct CountChanges {
    pub copies: i64,
    pub archived: i64,
    pub by_another: i64,
    pub aliased: bool,
}

impl CountChanges {
    pub fn add(&mut self, group: &Group) {
        self.copies += group.copies;
        self.archived += group.archived;
        self.by_another += group.by_another;
        self.aliased |= group.has_alias;
    }
}
