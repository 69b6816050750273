//! `calrelay explain`: why an event was, or was not, copied.

use std::fmt::Write;

use clap::Args;
use engine::calendar::PairId;
use jobs::Scope;

use super::outcome::{CommandOutcome, Result};
use crate::terminal::Output;

/// The arguments of `calrelay explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The pair.
    #[arg(long, value_name = "ID")]
    pair: PairId,
    /// The event's id, as `calrelay sync` and `calrelay status` show it.
    #[arg(long, value_name = "EVENT-ID")]
    event: String,
}

/// Runs the command.
pub async fn run(scope: &Scope, arguments: &ExplainArguments, output: &Output) -> Result {
    let answer = jobs::explain(scope, &arguments.pair, &arguments.event).await?;
    output.answer(&answer, || {
        let mut text = format!("{}\n", answer.message);
        if let Some(copy) = &answer.copy {
            let _ = writeln!(text, "Its copy: {copy}");
        }
        text
    })?;
    Ok(CommandOutcome::Done)
}
