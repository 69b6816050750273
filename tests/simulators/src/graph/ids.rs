//! Ids: opaque, case-sensitive, of two kinds. A move gives an event another id of the regular kind;
//! an immutable one stays.

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use jiff::civil::Date;

const REGULAR: &[u8] = &[0x00, 0x03, 0x24];
const IMMUTABLE: &[u8] = &[0x00, 0x09, 0x00, 0x2e];
const CALENDAR: &[u8] = &[0x01, 0x0a];

/// What an id of an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventName {
    pub key: u64,
    /// The day of an occurrence, by the rule of its series.
    pub day: Option<Date>,
    pub immutable: bool,
    /// How often it had been moved; 0 where the id is immutable.
    pub moves: u32,
}

/// Spreads a key over 16 bytes, so that ids of neighbours look unlike, with every letter in them.
fn spread(key: u64) -> [u8; 16] {
    let mixed = (key ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes[8..].copy_from_slice(&key.to_be_bytes());
    bytes
}

fn gathered(bytes: &[u8]) -> Option<u64> {
    let key = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
    (spread(key) == bytes).then_some(key)
}

fn day_bytes(day: Option<Date>) -> [u8; 4] {
    let Some(day) = day else { return [0; 4] };
    let [high, low] = day.year().to_be_bytes();
    [high, low, day.month().unsigned_abs(), day.day().unsigned_abs()]
}

fn day_of(bytes: &[u8]) -> Option<Option<Date>> {
    let [high, low, month, day] = bytes.try_into().ok()?;
    if bytes == [0; 4] {
        return Some(None);
    }
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(i16::from_be_bytes([high, low]), month, day).ok().map(Some)
}

impl EventName {
    pub fn write(self) -> String {
        let mut raw = Vec::new();
        raw.extend_from_slice(if self.immutable { IMMUTABLE } else { REGULAR });
        raw.extend(spread(self.key));
        if self.immutable {
            raw.push(0x0d);
        } else {
            raw.extend(self.moves.to_be_bytes());
            raw.extend(spread(self.key ^ u64::from(self.moves)));
            raw.extend([0x46; 16]);
        }
        raw.extend(day_bytes(self.day));
        BASE64URL.encode(&raw)
    }

    pub fn read(id: &str) -> Option<Self> {
        let raw = BASE64URL.decode(id.as_bytes()).ok()?;
        if let Some(rest) = raw.strip_prefix(IMMUTABLE).filter(|rest| rest.len() == 21) {
            let (key, day) = (gathered(&rest[..16])?, day_of(&rest[17..])?);
            return Some(Self { key, day, immutable: true, moves: 0 });
        }
        let rest = raw.strip_prefix(REGULAR).filter(|rest| rest.len() == 56)?;
        let moves = u32::from_be_bytes(rest[16..20].try_into().ok()?);
        let (key, day) = (gathered(&rest[..16])?, day_of(&rest[52..])?);
        Some(Self { key, day, immutable: false, moves })
    }
}

/// The id of a calendar in one of its generations.
pub(super) fn calendar(key: u64, generation: u32, immutable: bool) -> String {
    let mut raw = CALENDAR.to_vec();
    raw.push(if immutable { 0x2e } else { 0x24 });
    raw.extend(spread(key ^ (u64::from(generation) << 32)));
    raw.extend(generation.to_be_bytes());
    if !immutable {
        raw.extend([0x46; 12]);
    }
    BASE64URL.encode(&raw)
}

/// A name that nothing else has, such as that of a token.
pub(super) fn opaque(prefix: &str, bytes: &[u8]) -> String {
    format!("{prefix}{}", BASE64URL_NOPAD.encode(bytes))
}

/// A UUID made of two numbers.
pub(super) fn uuid(high: u64, low: u64) -> String {
    let (high, low) = (spread(high), spread(low));
    let hex = data_encoding::HEXLOWER.encode(&[&high[..8], &low[..8]].concat());
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_names_in_its_own_spelling_only() {
        let day = Some(jiff::civil::date(2026, 3, 10));
        for (immutable, moves, day) in [(true, 0, None), (true, 0, day), (false, 3, day)] {
            let name = EventName { key: 77, day, immutable, moves };
            let id = name.write();
            assert_eq!(EventName::read(&id), Some(name));
            let other: String = id
                .chars()
                .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c })
                .collect();
            assert_ne!(EventName::read(&other), Some(name), "ids are case-sensitive");
        }
        assert_eq!(EventName::read("AAMkAA=="), None);
        assert_ne!(calendar(1, 0, true), calendar(1, 0, false));
        assert_ne!(calendar(1, 0, true), calendar(1, 1, true));
        assert_eq!(uuid(1, 2).len(), 36);
    }
}
