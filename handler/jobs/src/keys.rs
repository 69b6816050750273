//! The keys of one pair: its marks and its fingerprints.

use engine::fingerprint::Fingerprinter;
use engine::marker::Marks;
use engine::pair::Pair;

use crate::Result;
use crate::services::Services;

/// The keys with which a pass marks and hashes.
pub(crate) struct PairKeys {
    /// Marks of copies, and names of rows.
    pub marks: Marks,
    pub prints: Fingerprinter,
}

impl PairKeys {
    /// Derives the keys of a pair in the vault.
    pub async fn new(services: &Services, pair: &Pair) -> Result<Self> {
        let marks = Marks::new(&*services.vault.hash_key("marks").await?);
        let prints =
            Fingerprinter::new(&*services.vault.hash_key("fingerprints").await?, pair.id.as_str());
        Ok(Self { marks, prints })
    }
}
