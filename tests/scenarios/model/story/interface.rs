//! What the model asks of the product beyond a plain pass.

use anyhow::Result;
use jobs::SyncOptions;
use jobs::report::Run;

use crate::world::Core;

/// Whether the pass is held because a calendar was emptied.
pub fn is_emptied(_run: &Run) -> bool {
    false
}

/// A pass with the owner's answer to that.
pub fn answered(_make_again: bool) -> SyncOptions {
    SyncOptions::default()
}

/// The owner claims what another installation has made.
pub async fn take_over(_core: &Core) -> Result<()> {
    Ok(())
}

/// Whether the product knows the rules of issue 8 already.
pub const COMPLETE: bool = false;
