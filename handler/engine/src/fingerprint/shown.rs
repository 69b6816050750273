//! What a provider shows otherwise than it was written: cut, trimmed, rounded, dropped.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fingerprint, Hash};
use crate::event::{Field, OriginalStart, Parts};

/// The parts in which an event differs from what was written, as it was shown after the write. It
/// means what was written until a person changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownPrint {
    fields: BTreeMap<Field, Hash>,
    /// None where an exception is not shown.
    exceptions: BTreeMap<OriginalStart, Option<Hash>>,
}

impl ShownPrint {
    /// What of `print` differs from what was wanted. Only the parts that were written are looked
    /// at; `None` for all of them.
    pub fn of(wanted: &Fingerprint, print: &Fingerprint, written: Option<&Parts>) -> Self {
        let mut parts = wanted.differences(print);
        if let Some(written) = written {
            parts.fields.retain(|field| written.fields.contains(field));
            parts.exceptions.retain(|start| written.exceptions.contains(start));
        }
        Self {
            fields: parts
                .fields
                .into_iter()
                .map(|field| (field, print.fields[field as usize]))
                .collect(),
            exceptions: parts
                .exceptions
                .into_iter()
                .map(|start| (start, print.exceptions.get(&start).copied()))
                .collect(),
        }
    }

    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.exceptions.is_empty()
    }

    /// What is shown now, with what was written in the place of what the provider has made of it.
    pub fn meant(&self, written: &Fingerprint, now: &Fingerprint) -> Fingerprint {
        let fields = self
            .fields
            .iter()
            .filter(|(field, hash)| now.fields[**field as usize] == **hash)
            .map(|(field, _)| *field);
        let exceptions = self
            .exceptions
            .iter()
            .filter(|(start, hash)| now.exceptions.get(start) == hash.as_ref())
            .map(|(start, _)| *start);
        now.overlaid(written, &Parts { fields: fields.collect(), exceptions: exceptions.collect() })
    }

    /// What is shown where this was written.
    pub fn of_written(&self, written: &Fingerprint) -> Fingerprint {
        let mut shown = written.clone();
        for (field, hash) in &self.fields {
            shown.fields[*field as usize] = *hash;
        }
        for (start, hash) in &self.exceptions {
            match hash {
                Some(hash) => shown.exceptions.insert(*start, *hash),
                None => shown.exceptions.remove(start),
            };
        }
        shown
    }

    /// Without these parts.
    pub fn without(mut self, parts: &Parts) -> Self {
        self.fields.retain(|field, _| !parts.fields.contains(field));
        self.exceptions.retain(|start, _| !parts.exceptions.contains(start));
        self
    }

    /// The union of two disjoint sets of parts.
    pub fn and(mut self, mut other: Self) -> Self {
        self.fields.append(&mut other.fields);
        self.exceptions.append(&mut other.exceptions);
        self
    }
}

/// The stored form; see [`super::WrittenPrint`].
#[derive(Serialize, Deserialize)]
struct Noted {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    f: BTreeMap<Field, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    x: Vec<(OriginalStart, Option<String>)>,
}

impl Serialize for ShownPrint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |hash: &Hash| BASE64URL_NOPAD.encode(hash);
        let f = self.fields.iter().map(|(field, hash)| (*field, text(hash))).collect();
        let x =
            self.exceptions.iter().map(|(start, hash)| (*start, hash.as_ref().map(text))).collect();
        Noted { f, x }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShownPrint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let Noted { f, x } = Noted::deserialize(deserializer)?;
        let hash = |text: String| {
            let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
            Hash::try_from(bytes).map_err(|_| D::Error::custom("a hash of another length"))
        };
        let fields = f
            .into_iter()
            .map(|(field, text)| Ok((field, hash(text)?)))
            .collect::<Result<_, D::Error>>()?;
        let exceptions = x
            .into_iter()
            .map(|(start, text)| Ok((start, text.map(hash).transpose()?)))
            .collect::<Result<_, D::Error>>()?;
        Ok(Self { fields, exceptions })
    }
}
