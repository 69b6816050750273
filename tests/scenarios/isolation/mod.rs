//! What a server refuses of one event stays with that event: everything else goes on in the same
//! pass, and the event is named, waits, and is tried again (L11).

mod attempts;
mod deletion_proofs;
mod deletions;
mod etags;
mod poll;
mod readded_pairs;
mod reads;
mod several;
mod writes;

use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::cli_env::Village;

/// Statuses that a server may have for one event; all of them where `CALRELAY_EVERY_STATUS` is set.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn statuses() -> Vec<u16> {
    if std::env::var_os("CALRELAY_EVERY_STATUS").is_some() {
        return vec![
            400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 416, 417, 418, 422,
            423, 424, 431, 451, 500, 501, 502, 503, 504, 507,
        ];
    }
    vec![400, 401, 403, 404, 406, 413, 423, 500, 503]
}

/// The names of events that the status names for a pair.
pub async fn problems(village: &Village) -> anyhow::Result<Vec<String>> {
    let status = village.cli.status().await?;
    let named = status["pairs"][0]["problem_events"].as_array().cloned().unwrap_or_default();
    assert_eq!(status["pairs"][0]["problems"], named.len(), "{status}");
    Ok(named
        .iter()
        .map(|problem| problem["event"].as_str().unwrap_or_default().to_owned())
        .collect())
}

async fn told(cli: &Cli, pair: &str, event: &str) -> anyhow::Result<(Value, String)> {
    let told = cli.explain(pair, event).await?;
    Ok((told["reason"].clone(), told["message"].as_str().unwrap_or_default().to_owned()))
}
