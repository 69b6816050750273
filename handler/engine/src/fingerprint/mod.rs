//! Keyed hashes of the fields that are carried over: equal means that there is nothing to do.
//!
//! # Properties
//! * No content can be read or guessed from a fingerprint without the deployment's key ("Lunch" is
//!   quickly guessed from a plain hash).
//! * Two spellings of the same thing have one fingerprint: texts are normalised, times compared as
//!   instants, the parts of a rule in any order.
//! * What is never carried over (conference blocks, our attendee block) does not count.
//! * Fields are hashed one by one, so that edits of different fields on two sides can be merged
//!   without the content being stored.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{
    Content, Draft, Exception, Field, Moment, OriginalStart, Parts, Series, Span, Zone,
};
use crate::{attendees, conference, text, zone};

pub use shown::ShownPrint;

mod shown;

const SIZE: usize = 8;
type Hash = [u8; SIZE];

/// Makes fingerprints for one pair: those of different pairs cannot be compared.
pub struct Fingerprinter {
    key: hmac::Key,
    scope: String,
}

impl Fingerprinter {
    /// With the deployment's key and the pair as scope.
    pub fn new(key: &[u8; 32], scope: impl Into<String>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), scope: scope.into() }
    }

    /// The fingerprint of an event that a person owns.
    pub fn origin(&self, draft: &Draft) -> Fingerprint {
        self.all(draft, true)
    }

    /// The fingerprint of a copy. Guests are no field of a copy: they are part of its text.
    pub fn copy(&self, draft: &Draft) -> Fingerprint {
        self.all(draft, false)
    }

    fn all(&self, draft: &Draft, with_attendees: bool) -> Fingerprint {
        let exceptions = draft.series.iter().flat_map(|series| &series.exceptions);
        Fingerprint {
            fields: Field::ALL.map(|field| {
                self.field(field, &draft.content, draft.series.as_ref(), with_attendees)
            }),
            exceptions: exceptions
                .map(|(start, exception)| (*start, self.exception(exception, with_attendees)))
                .collect(),
        }
    }

    fn field(
        &self,
        field: Field,
        content: &Content,
        series: Option<&Series>,
        with_attendees: bool,
    ) -> Hash {
        let value = match field {
            Field::Time => time(&content.span, series),
            Field::Title => words(&content.title),
            Field::Description => {
                words(&conference::strip(&attendees::remove(&content.description)).kept)
            }
            Field::Location => words(&conference::strip_location(&content.location)),
            Field::Attendees if with_attendees => content.attendees.join("\n"),
            Field::Attendees => return Hash::default(),
            Field::Visibility => format!("{:?}", content.visibility),
            Field::Busy => format!("{:?}", content.busy),
        };
        self.hash(field, &value)
    }

    fn exception(&self, exception: &Exception, with_attendees: bool) -> Hash {
        match exception {
            Exception::Cancelled => self.hash("cancelled", ""),
            Exception::Changed(content) => {
                let mut all = String::new();
                for field in Field::ALL {
                    let _ = write!(all, "{:?}", self.field(field, content, None, with_attendees));
                }
                self.hash("changed", &all)
            }
        }
    }

    fn hash(&self, name: impl std::fmt::Debug, value: &str) -> Hash {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{name:?}\0{}\0", self.scope).as_bytes());
        context.update(value.as_bytes());
        let mut hash = Hash::default();
        hash.copy_from_slice(&context.sign().as_ref()[..SIZE]);
        hash
    }
}

/// A text without the white space at either end, which servers take away.
fn words(text: &str) -> String {
    text::normalise(text).trim_start().to_owned()
}

/// The time of a single event is a pair of instants, independent of the zone it was written in;
/// that of a series depends on the zone as well.
fn time(span: &Span, series: Option<&Series>) -> String {
    let mut out = match span {
        Span::AllDay { start, end } => format!("{start}/{end}"),
        Span::Timed { start, end } => format!("{}/{}", moment(start), moment(end)),
    };
    if let Some(series) =
        series.filter(|series| !series.rules.is_empty() || !series.extra.is_empty())
    {
        if let Span::Timed { start, .. } = span {
            let _ = write!(out, " in {:?}", start.zone);
        }
        for rule in &series.rules {
            let upper = rule.to_ascii_uppercase();
            let mut parts: Vec<&str> =
                upper.split(';').filter(|part| !part.is_empty() && *part != "INTERVAL=1").collect();
            parts.sort_unstable();
            let _ = write!(out, "\n{}", parts.join(";"));
        }
        // A changed occurrence takes place, whether a further date gives it or not, and has a hash
        // of its own.
        let is_changed = |extra: &&OriginalStart| {
            matches!(series.exceptions.get(extra), Some(Exception::Changed(_)))
        };
        for extra in series.extra.iter().filter(|extra| !is_changed(extra)) {
            let _ = write!(out, "\n{extra:?}");
        }
    }
    out
}

fn moment(moment: &Moment) -> String {
    match moment.zone {
        Zone::Floating => moment.local.to_string(),
        _ => zone::instant(moment, None).to_string(),
    }
}

/// Time and title of an event, hashed: by them a copy is known that says nothing else of its
/// origin.
pub type Appearance = [Hash; 2];

/// The hashes of one event.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    fields: [Hash; Field::ALL.len()],
    exceptions: BTreeMap<OriginalStart, Hash>,
}

impl Fingerprint {
    /// Which parts differ.
    pub fn differences(&self, other: &Self) -> Parts {
        let fields = Field::ALL
            .into_iter()
            .enumerate()
            .filter(|(i, _)| self.fields[*i] != other.fields[*i])
            .map(|(_, field)| field);
        let starts = self.exceptions.keys().chain(other.exceptions.keys());
        let exceptions = starts
            .filter(|start| self.exceptions.get(start) != other.exceptions.get(start))
            .copied();
        Parts { fields: fields.collect(), exceptions: exceptions.collect() }
    }

    /// Which parts are neither as in `base` nor as in `intent`: those that another client has
    /// changed.
    pub fn changed_since(&self, base: &Self, intent: Option<&Self>) -> Parts {
        let mut parts = self.differences(base);
        if let Some(intent) = intent {
            let other = self.differences(intent);
            parts.fields.retain(|field| other.fields.contains(field));
            parts.exceptions.retain(|start| other.exceptions.contains(start));
        }
        parts
    }

    /// These hashes with some parts taken from another. The intent of a write is built with it:
    /// parts that the write does not change keep the hashes of the base.
    pub fn overlaid(&self, other: &Self, parts: &Parts) -> Self {
        let mut all = self.clone();
        for (i, field) in Field::ALL.iter().enumerate() {
            if parts.fields.contains(field) {
                all.fields[i] = other.fields[i];
            }
        }
        for start in &parts.exceptions {
            match other.exceptions.get(start) {
                Some(hash) => all.exceptions.insert(*start, *hash),
                None => all.exceptions.remove(start),
            };
        }
        all
    }

    /// Time and title.
    pub fn appearance(&self) -> Appearance {
        [Field::Time, Field::Title].map(|field| self.fields[field as usize])
    }

    /// A few bytes for the whole, to recognise a value that was written before.
    pub fn digest(&self) -> u32 {
        let mut digest: u32 = 0x811c_9dc5;
        for byte in self.fields.iter().chain(self.exceptions.values()).flatten() {
            digest = (digest ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        digest
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({:08x})", self.digest())
    }
}

/// As it is written down: all fields in one text, exceptions as pairs.
#[derive(Serialize, Deserialize)]
struct WrittenPrint {
    f: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    x: Vec<(OriginalStart, String)>,
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let x = self
            .exceptions
            .iter()
            .map(|(start, hash)| (*start, BASE64URL_NOPAD.encode(hash)))
            .collect();
        WrittenPrint { f: BASE64URL_NOPAD.encode(&self.fields.concat()), x }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let written = WrittenPrint::deserialize(deserializer)?;
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(D::Error::custom);
        let all = decode(&written.f)?;
        let mut fields = [Hash::default(); Field::ALL.len()];
        if all.len() != SIZE * fields.len() {
            return Err(D::Error::custom("a fingerprint of another length"));
        }
        for (field, bytes) in fields.iter_mut().zip(all.chunks_exact(SIZE)) {
            field.copy_from_slice(bytes);
        }
        let mut exceptions = BTreeMap::new();
        for (start, hash) in written.x {
            let hash = Hash::try_from(decode(&hash)?)
                .map_err(|_| D::Error::custom("a hash of another length"))?;
            exceptions.insert(start, hash);
        }
        Ok(Self { fields, exceptions })
    }
}

#[cfg(test)]
mod tests;
