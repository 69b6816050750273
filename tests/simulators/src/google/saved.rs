//! A calendar that is saved and restored: equal events under equal ids and ETags, and sync tokens
//! that were issued before are known.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a calendar holds, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub(super) birth: u64,
    pub(super) revision: u64,
    pub(super) generation: u64,
    pub(super) private: BTreeSet<String>,
    /// As the record has them, deleted ones too.
    pub(super) events: Vec<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::google::Server;

    #[tokio::test]
    async fn a_calendar_that_is_put_back_is_as_it_was_and_goes_on_from_there() {
        let [one, other] = [Server::start().await.unwrap(), Server::start().await.unwrap()];
        let [here, there] =
            [&one, &other].map(|server| server.account("anna@example.org").primary());
        let event = |title: &str| json!({"summary": title, "start": {"date": "2026-03-11"}, "end": {"date": "2026-03-12"}});
        for id in ["lunch", "dinner", "lunch"] {
            here.put(id, event(id));
        }
        here.remove("dinner");
        let saved = here.saved();
        there.put_back(&saved);
        assert_eq!(
            (there.saved(), there.items(), there.revision()),
            (saved, here.items(), here.revision())
        );
        assert_eq!(
            there.put("tea", event("tea")),
            here.put("tea", event("tea")),
            "the next ETag is the next"
        );
        let token = one.account("anna@example.org").refresh_token();
        other.account("anna@example.org").put_back_refresh_token(&token);
        assert_eq!(other.account("anna@example.org").living_refresh_tokens(), 1);
    }
}
