//! Marks: what an event that we wrote says of itself, in a way that only this installation can
//! write.
//!
//! # Properties
//! * A mark answers one question, and alone: did this installation write it? It does so in every
//!   calendar. Whether an event is the copy of a mapping is answered by that mapping's row.
//! * It carries a hash of the UID of the first origin, through any number of copies of copies, and
//!   no personal data.
//! * What cannot be verified (another key, a damaged mark, one of a later version) is a mark all
//!   the same: [`Mark::Foreign`].
//!
//! # Form
//! `h2.<key id>.<mapping id>.<hash of the first origin's UID>.<MAC over all of it>` on a copy,
//! `r2.…` on an event that belongs to a person and that we wrote: an origin that was made again, or
//! one that began as a copy. The former form, `h1.<key id>.<mapping id>.<MAC>`, was bound to the
//! calendar's id as well, and is still read.

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};

use crate::calendar::CalendarId;
use crate::event::EventId;
use crate::uid::UidHash;

const SIZE: usize = 16;

/// Octets of the MAC in a mark: with these a mark fits on one line of an iCalendar object (75
/// octets, RFC 5545 section 3.1).
const MAC: usize = 10;

/// The identity of a mapping: derived from its two calendars and the origin, so that a pair that is
/// created again finds its old copies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MappingId([u8; SIZE]);

impl std::fmt::Debug for MappingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl From<MappingId> for String {
    fn from(id: MappingId) -> Self {
        BASE32_NOPAD.encode(&id.0).to_ascii_lowercase()
    }
}

impl TryFrom<String> for MappingId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE32_NOPAD
            .decode(text.to_ascii_uppercase().as_bytes())
            .map_err(|_| "not a mapping id")?;
        Ok(Self(bytes.try_into().map_err(|_| "a mapping id of another length")?))
    }
}

impl MappingId {
    /// The UID of the copy: our own alphabet, and nothing of the origin's UID (iCloud takes a UID
    /// once in an account).
    pub fn copy_uid(self, generation: u32) -> String {
        self.uid("", generation)
    }

    /// The UID of an origin that is made again.
    pub fn origin_uid(self, generation: u32) -> String {
        self.uid(AGAIN, generation)
    }

    fn uid(self, role: &str, generation: u32) -> String {
        let id = String::from(self);
        if generation == 0 {
            format!("{COPY}{role}{id}")
        } else {
            format!("{COPY}{role}{id}-{generation}")
        }
    }

    /// The mapping whose copy has this UID, or a resource name that was made of it, if it has the
    /// form of one of ours. It proves nothing by itself.
    pub fn of_copy_uid(uid: &str) -> Option<Self> {
        Self::of_uid(uid).filter(|(role, _)| *role == Role::Copy).map(|(_, id)| id)
    }

    /// The same of copies and of origins that were made again.
    pub fn of_uid(uid: &str) -> Option<(Role, Self)> {
        let uid = uid.trim();
        let uid = uid.strip_suffix(".ics").unwrap_or(uid).strip_prefix(COPY)?;
        let (role, uid) =
            uid.strip_prefix(AGAIN).map_or((Role::Copy, uid), |uid| (Role::Origin, uid));
        let (id, generation) =
            uid.split_once('-').map_or((uid, None), |(id, generation)| (id, Some(generation)));
        if generation.is_some_and(|generation| generation.parse::<u32>().is_err())
            || id.bytes().any(|byte| byte.is_ascii_uppercase())
        {
            return None;
        }
        Some((role, Self::try_from(id.to_owned()).ok()?))
    }
}

/// How the UIDs of what we make begin.
const COPY: &str = "calrelay-";

/// What follows in the UID of an origin that is made again.
const AGAIN: &str = "r-";

/// What an event is in the mapping that its mark names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A copy: never a source.
    Copy,
    /// An origin that we had to make again.
    Origin,
}

impl Role {
    fn prefix(self) -> &'static str {
        match self {
            Self::Copy => "h2",
            Self::Origin => "r2",
        }
    }

    fn former_prefix(self) -> &'static str {
        match self {
            Self::Copy => "h1",
            Self::Origin => "r1",
        }
    }

    fn of(prefix: &str) -> Option<(Self, MarkForm)> {
        Some(match prefix {
            "h2" => (Self::Copy, MarkForm::Present),
            "r2" => (Self::Origin, MarkForm::Present),
            "h1" => (Self::Copy, MarkForm::Former),
            "r1" => (Self::Origin, MarkForm::Former),
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkForm {
    Present,
    /// Bound to the calendar, without the hash of a UID.
    Former,
}

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// This installation wrote the event.
    Ours {
        /// As what.
        role: Role,
        /// For which mapping, which may have ended since.
        mapping: MappingId,
        /// Whose UID the first origin has; marks of the former form do not say.
        first: Option<UidHash>,
    },
    /// It has another author: another installation, this one before it lost its keys, or a person.
    Foreign {
        /// As what, as the mark claims; a copy where it does not say.
        role: Role,
        /// Whose UID the first origin has, as the mark claims.
        first: Option<UidHash>,
    },
}

impl Mark {
    /// The first origin's UID, as far as the mark says.
    pub fn first(self) -> Option<UidHash> {
        match self {
            Self::Ours { first, .. } | Self::Foreign { first, .. } => first,
        }
    }
}

/// No mark is longer.
const LONGEST: usize = 200;

/// Writes and verifies marks and derives mapping ids.
pub struct Marks {
    key: hmac::Key,
    key_id: String,
}

impl Marks {
    /// With the deployment's key.
    pub fn new(key: &[u8; 32]) -> Self {
        let key_id = BASE64URL_NOPAD.encode(&digest::digest(&digest::SHA256, key).as_ref()[..3]);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), key_id }
    }

    /// The mapping of an origin towards a calendar. `again` counts the mappings that this name had
    /// before and that belong to other events by now.
    pub fn mapping(
        &self,
        from: &CalendarId,
        to: &CalendarId,
        origin: &EventId,
        again: u32,
    ) -> MappingId {
        let parts = ["mapping", from.as_str(), to.as_str(), origin.as_str()];
        MappingId(if again == 0 {
            self.mac(&parts)
        } else {
            self.mac(&[&parts[..], &[&again.to_string()]].concat())
        })
    }

    /// A short keyed name for an event of a calendar, to find its rows.
    pub fn row_name(&self, calendar: &CalendarId, id: &EventId) -> String {
        BASE32_NOPAD
            .encode(&self.mac(&["row", calendar.as_str(), id.as_str()]))
            .to_ascii_lowercase()
    }

    /// The mark of an event that we write. `first` is the hash of the first origin's UID; an origin
    /// that has no UID has none.
    pub fn mint(&self, role: Role, mapping: MappingId, first: Option<UidHash>) -> String {
        let first = first.map(String::from).unwrap_or_default();
        let mac = self.mac(&[role.prefix(), &String::from(mapping), &first]);
        let mapping = BASE64URL_NOPAD.encode(&mapping.0);
        format!(
            "{}.{}.{mapping}.{first}.{}",
            role.prefix(),
            self.key_id,
            BASE64URL_NOPAD.encode(&mac[..MAC])
        )
    }

    /// Reads a mark. `calendars` are those to which a mark of the former form may be bound.
    pub fn read<'a>(
        &self,
        mark: &str,
        calendars: impl IntoIterator<Item = &'a CalendarId>,
    ) -> Mark {
        let mark = mark.trim();
        let parts: Vec<&str> = mark.splitn(6, '.').collect();
        let claimed = match parts[..] {
            ["h2" | "r2", _, _, first, _] => UidHash::try_from(first).ok(),
            _ => None,
        };
        let form =
            parts.first().and_then(|prefix| Role::of(prefix)).filter(|_| mark.len() <= LONGEST);
        let foreign =
            Mark::Foreign { role: form.map_or(Role::Copy, |(role, _)| role), first: claimed };
        let Some((role, form)) = form else { return foreign };
        let decode = |text: &str| -> Option<[u8; SIZE]> {
            BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
        };
        let is = |mac: &str, length: usize, parts: &[&str]| {
            let mac = BASE64URL_NOPAD.decode(mac.as_bytes()).unwrap_or_default();
            constant_time::verify_slices_are_equal(&mac, &self.mac(parts)[..length]).is_ok()
        };
        let (key_id, mapping, mac) = match (form, &parts[..]) {
            (MarkForm::Present, [_, key_id, mapping, _, mac])
            | (MarkForm::Former, [_, key_id, mapping, mac]) => (*key_id, decode(mapping), *mac),
            _ => return foreign,
        };
        let Some(mapping) = mapping.map(MappingId).filter(|_| key_id == self.key_id) else {
            return foreign;
        };
        let id = String::from(mapping);
        let ours = match form {
            // What does not decode to a hash is covered by the MAC as it is written.
            MarkForm::Present => is(mac, MAC, &[role.prefix(), &id, parts[3]]),
            MarkForm::Former => calendars
                .into_iter()
                .any(|calendar| is(mac, SIZE, &[role.former_prefix(), &id, calendar.as_str()])),
        };
        if ours { Mark::Ours { role, mapping, first: claimed } } else { foreign }
    }

    /// Whether a mark is whole, and of another key: no damage to one of ours, as far as it shows.
    pub fn is_of_another_key(&self, mark: &str) -> bool {
        let parts: Vec<&str> = mark.trim().splitn(6, '.').collect();
        let has = |text: &str, length: usize| {
            BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == length)
        };
        match (parts.first().and_then(|prefix| Role::of(prefix)), &parts[..]) {
            (Some((_, MarkForm::Present)), [_, key_id, mapping, _, mac]) => {
                *key_id != self.key_id && has(key_id, 3) && has(mapping, SIZE) && has(mac, MAC)
            }
            (Some((_, MarkForm::Former)), [_, key_id, mapping, mac]) => {
                *key_id != self.key_id && has(key_id, 3) && has(mapping, SIZE) && has(mac, SIZE)
            }
            _ => false,
        }
    }

    fn mac(&self, parts: &[&str]) -> [u8; SIZE] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut mac = [0; SIZE];
        mac.copy_from_slice(&context.sign().as_ref()[..SIZE]);
        mac
    }
}

#[cfg(test)]
mod tests;
