//! The deletions that a hold has shown to the owner, and since when. A deletion is named by the
//! first characters of its mapping's id, which is keyed.

use std::collections::BTreeMap;

use engine::marker::MappingId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Op;

use super::keys::HELD_DELETIONS;
use crate::Result;
use crate::codec::{decode, encode};

/// Characters of a mapping's id that distinguish it from all others of a pair: 55 bits.
const NAME_LENGTH: usize = 11;
const NAMES_PER_ROW: usize = 2_000;

/// The deletions that wait for the owner, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldDeletions(BTreeMap<String, Timestamp>);

#[derive(Serialize, Deserialize)]
struct HeldDeletionsRow {
    at: Timestamp,
    /// The names, without a separator.
    m: String,
}

fn short_name(id: MappingId) -> String {
    let mut name = String::from(id);
    name.truncate(NAME_LENGTH);
    name
}

impl HeldDeletions {
    /// Since when a deletion has been held.
    pub fn held_since(&self, id: MappingId) -> Option<Timestamp> {
        self.0.get(&short_name(id)).copied()
    }

    /// Holds exactly these deletions. A deletion that was held before keeps its time.
    pub fn of(ids: impl IntoIterator<Item = MappingId>, before: &Self, now: Timestamp) -> Self {
        Self(
            ids.into_iter()
                .map(|id| (short_name(id), before.held_since(id).unwrap_or(now)))
                .collect(),
        )
    }

    /// When the oldest of these deletions was first held.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.0.values().min().copied()
    }

    /// Adds the deletions in a row.
    pub(super) fn add_row(&mut self, key: &str, text: &str) -> Result<()> {
        let HeldDeletionsRow { at, m } = decode(key, text)?;
        let names =
            m.as_bytes().chunks(NAME_LENGTH).filter_map(|name| std::str::from_utf8(name).ok());
        self.0.extend(names.map(|name| (name.to_owned(), at)));
        Ok(())
    }

    /// The operations that store these deletions in place of `before` rows, and the new number of
    /// rows.
    pub(super) fn rows(&self, before: usize) -> Result<(Vec<Op>, usize)> {
        let mut by_age: BTreeMap<Timestamp, Vec<&str>> = BTreeMap::new();
        for (name, at) in &self.0 {
            by_age.entry(*at).or_default().push(name);
        }
        let mut ops = Vec::new();
        for (at, names) in by_age {
            for names in names.chunks(NAMES_PER_ROW) {
                ops.push(Op::Put {
                    key: key(ops.len()),
                    value: encode(&HeldDeletionsRow { at, m: names.concat() })?,
                });
            }
        }
        let now = ops.len();
        ops.extend((now..before).map(|n| Op::Delete { key: key(n), etag: None }));
        Ok((ops, now))
    }
}

fn key(number: usize) -> String {
    format!("{HELD_DELETIONS}{number:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_they_were_written_and_keep_their_age() {
        let id = |n: u32| {
            MappingId::try_from(String::from(MappingId::of_copy_uid(&copy(n)).unwrap())).unwrap()
        };
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let first = HeldDeletions::of((0..4_500).map(id), &HeldDeletions::default(), at(10));
        let second = HeldDeletions::of((4_000..4_600).map(id), &first, at(20));
        assert_eq!(
            (
                second.held_since(id(4_100)),
                second.held_since(id(4_550)),
                second.held_since(id(3_999))
            ),
            (Some(at(10)), Some(at(20)), None)
        );
        assert_eq!(second.oldest(), Some(at(10)));
        let (ops, rows) = first.rows(0).unwrap();
        assert_eq!(rows, 3);
        let mut read = HeldDeletions::default();
        for op in &ops {
            let Op::Put { key, value } = op else { panic!() };
            read.add_row(key, value).unwrap();
        }
        assert_eq!(read, first);
        let (ops, rows) = HeldDeletions::default().rows(3).unwrap();
        assert_eq!((ops.len(), rows), (3, 0));
    }

    fn copy(n: u32) -> String {
        let id = data_encoding::BASE32_NOPAD.encode(
            &u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes(),
        );
        format!("calrelay-{}", id.to_ascii_lowercase())
    }
}
