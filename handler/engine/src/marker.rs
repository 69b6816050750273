//! Loop marks: a copy says of itself that it is one, and which, in a way that only this deployment can write.
//!
//! The table of mappings is the authority; a mark is believed only for events that it does not know. Form:
//! `h1.<key id>.<mapping id>.<MAC>` on a copy, `r1.…` on an origin that had to be made again (it is an origin still, but belongs to a
//! mapping). The MAC covers the role, the mapping and the calendar: a mark that travels to another calendar is void there.

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};

use crate::calendar::CalendarId;
use crate::event::EventId;

const SIZE: usize = 16;

/// The identity of a mapping: derived from its two calendars and the origin, so that a pair made anew finds its old copies.
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
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| "not a mapping id")?;
        Ok(Self(bytes.try_into().map_err(|_| "a mapping id of another length")?))
    }
}

impl MappingId {
    /// The UID of the copy: our own alphabet, and nothing of the origin's UID (iCloud takes a UID once in an account).
    pub fn copy_uid(self, generation: u32) -> String {
        self.uid("", generation)
    }

    /// The UID of an origin that is made again.
    pub fn origin_uid(self, generation: u32) -> String {
        self.uid("r-", generation)
    }

    fn uid(self, role: &str, generation: u32) -> String {
        let id = String::from(self);
        if generation == 0 { format!("calrelay-{role}{id}") } else { format!("calrelay-{role}{id}-{generation}") }
    }
}

/// What an event is in the mapping that its mark names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A copy: never a source.
    Copy,
    /// An origin that we had to make again.
    Origin,
}

impl Role {
    fn prefix(self) -> &'static str {
        match self {
            Self::Copy => "h1",
            Self::Origin => "r1",
        }
    }
}

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

    /// The mapping of an origin towards a calendar.
    pub fn mapping(&self, from: &CalendarId, to: &CalendarId, origin: &EventId) -> MappingId {
        MappingId(self.mac(&["mapping", from.as_str(), to.as_str(), origin.as_str()]))
    }

    /// A short keyed name for an event of a calendar, to find its rows.
    pub fn row_name(&self, calendar: &CalendarId, id: &EventId) -> String {
        BASE32_NOPAD.encode(&self.mac(&["row", calendar.as_str(), id.as_str()])).to_ascii_lowercase()
    }

    /// The mark of an event that we write to `calendar`.
    pub fn mint(&self, role: Role, mapping: MappingId, calendar: &CalendarId) -> String {
        let mac = self.mac(&[role.prefix(), &String::from(mapping), calendar.as_str()]);
        format!("{}.{}.{}.{}", role.prefix(), self.key_id, BASE64URL_NOPAD.encode(&mapping.0), BASE64URL_NOPAD.encode(&mac))
    }

    /// Which mapping a mark found in `calendar` names; `None` if it is not ours or not for there: then the event is a normal one.
    pub fn verify(&self, mark: &str, calendar: &CalendarId) -> Option<(Role, MappingId)> {
        let mut parts = mark.trim().split('.');
        let role = match parts.next()? {
            "h1" => Role::Copy,
            "r1" => Role::Origin,
            _ => return None,
        };
        parts.next().filter(|key_id| *key_id == self.key_id)?;
        let decode = |text: &str| -> Option<[u8; SIZE]> { BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok() };
        let mapping = MappingId(decode(parts.next()?)?);
        let mac = decode(parts.next()?)?;
        if parts.next().is_some() {
            return None;
        }
        let expected = self.mac(&[role.prefix(), &String::from(mapping), calendar.as_str()]);
        constant_time::verify_slices_are_equal(&mac, &expected).ok().map(|()| (role, mapping))
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
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_only_where_it_was_written_and_only_for_its_role() {
        let marks = Marks::new(&[7; 32]);
        let (a, b) = (CalendarId::new("a"), CalendarId::new("b"));
        let mapping = marks.mapping(&a, &b, &EventId::new("/x.ics"));
        let mark = marks.mint(Role::Copy, mapping, &b);
        assert_eq!(marks.verify(&mark, &b), Some((Role::Copy, mapping)));
        assert_eq!(marks.verify(&mark, &a), None, "copied to another calendar");
        assert_eq!(Marks::new(&[8; 32]).verify(&mark, &b), None, "another deployment's");
        assert_eq!(marks.verify(&mark.replacen("h1", "r1", 1), &b), None, "another role");
        assert_eq!(marks.verify(&format!("{mark}.x"), &b), None);
        assert_eq!(marks.verify("h1.é.x", &b), None);
    }

    #[test]
    fn ids_survive_being_written_down() {
        let marks = Marks::new(&[7; 32]);
        let id = marks.mapping(&CalendarId::new("a"), &CalendarId::new("b"), &EventId::new("/é.ics"));
        assert_eq!(MappingId::try_from(String::from(id)), Ok(id));
        assert!(id.copy_uid(2).chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
}
