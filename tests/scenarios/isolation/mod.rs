//! What a server refuses of one event stays with that event: everything else goes on in the same
//! pass, and the event is named, waits, and is tried again (L11).

mod attempts;
mod deletion_proofs;
mod deletions;
mod etags;
mod lost_writes;
mod poll;
mod readded_pairs;
mod reads;
mod several;
mod writes;

use serde_json::Value;

use crate::support::cli::Cli;

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

/// Reason and message of `explain`.
async fn explained(cli: &Cli, pair: &str, event: &str) -> anyhow::Result<(Value, String)> {
    let document = cli.explain(pair, event).await?;
    Ok((document["reason"].clone(), document["message"].as_str().unwrap_or_default().to_owned()))
}
