//! Microsoft 365, simulated: what is asked of a mailbox, how many notifications a second the
//! program takes, and what the program holds in memory.

mod mailbox;
mod notifications;
mod series;
mod sizes;

use std::path::Path;

use crate::table::Table;

/// Measures, and shows its tables.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    sizes::measure(calrelay, show).await?;
    series::measure(calrelay, show).await?;
    notifications::measure(calrelay, show).await
}
