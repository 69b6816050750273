//! A calendar that is saved and restored: equal objects under equal names and ETags, with an equal
//! ctag and sync token. A client that has seen the calendar before finds no change.

use serde::{Deserialize, Serialize};

/// What a calendar holds, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its ctag, from which the sync token follows.
    pub ctag: String,
    /// Its objects, sorted by name.
    pub objects: Vec<Object>,
}

/// One object of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name in the collection, without percent-encoding.
    pub name: String,
    /// Its ETag, quotes included.
    pub etag: String,
    /// Its text.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use crate::caldav::{CalDav, Manners};

    #[tokio::test]
    async fn a_calendar_that_is_put_back_is_as_it_was_and_goes_on_from_there() {
        let server = CalDav::start(Manners::generic()).await.unwrap();
        server.account("anna", "secret");
        let (one, other) = (server.calendar("anna", "one"), server.calendar("anna", "other"));
        one.put("b.ics", "UID:b");
        one.put("a.ics", "UID:a");
        one.put("b.ics", "UID:b\nSUMMARY:x");
        one.delete("a.ics");
        let saved = one.saved();
        other.put("c.ics", "UID:c");
        other.put_back(&saved);
        assert_eq!((other.saved(), other.etag("b.ics")), (saved.clone(), one.etag("b.ics")));
        assert_eq!(
            other.put("d.ics", "UID:d"),
            one.put("d.ics", "UID:d"),
            "the next ETag is the next"
        );
        let text = serde_json::to_string(&saved).unwrap();
        assert_eq!(serde_json::from_str::<super::Saved>(&text).unwrap(), saved);
    }
}
