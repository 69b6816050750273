//! The keys of one pair: its marks and its fingerprints.

use engine::fingerprint::Fingerprinter;
use engine::marker::Marks;
use engine::pair::Pair;

use crate::Result;
use crate::services::Services;

/// What a pass hashes and marks with.
pub(crate) struct PairKeys {
    /// Loop marks and names of rows.
    pub marks: Marks,
    /// Fingerprints of the pair.
    pub prints: Fingerprinter,
}

impl PairKeys {
    /// For a pair, from the vault's own key.
    pub async fn new(services: &Services, pair: &Pair) -> Result<Self> {
        let marks = Marks::new(&*services.vault.hash_key("marks").await?);
        let prints =
            Fingerprinter::new(&*services.vault.hash_key("fingerprints").await?, pair.id.as_str());
        Ok(Self { marks, prints })
    }
}
