//! The classes of unknown events.

use engine::mapping::Mapping;
use engine::marker::MappingId;
use engine::reason::Reason;
use engine::uid::UidHash;

/// A mapping that is live, by its pair.
#[derive(Clone, Debug)]
pub(in crate::sync) enum LiveMapping {
    /// In this pair.
    Here(Box<Mapping>),
    /// In another pair of the owner.
    Elsewhere,
}

/// What an unknown event is.
#[derive(Debug)]
pub(in crate::sync) enum UnknownClass {
    /// An event that a person made.
    Ordinary,
    /// An event that a person made out of a copy, whose mark it still has.
    OutOfACopy,
    /// What is left of a mapping that has ended, or of another installation; with the UID of the
    /// first origin, as far as it is known.
    Left(Option<UidHash>),
    /// Created by another installation, or marked so.
    Foreign,
    /// An event of a mapping, under another name: the mapping as it is stored, and with the current
    /// name.
    Renamed(Box<Mapping>, Box<Mapping>),
    /// To be left alone, and why; with the mapping of this pair whose mark it has.
    Alone(Reason, Option<MappingId>),
}
