//! Servers that give a version two ETags.

use super::*;

/// A server that gives `read` with a GET, and `listed` in listings; conditions take `taken`.
/// `changed` is what it has from the first write on, where that is not what it is sent.
fn with_two_tags(
    read: &'static str,
    listed: &'static str,
    taken: &'static str,
    changed: &'static str,
) -> impl Fn(&crate::caldav::stub::Received) -> Say + Send + Sync + 'static {
    let written = std::sync::Mutex::new(None::<String>);
    move |asked| {
        let mut written = written.lock().unwrap();
        let is_changed = !changed.is_empty() && written.is_some();
        let body = if is_changed {
            object("").replace("Mine", changed)
        } else {
            written.clone().unwrap_or_else(|| object(""))
        };
        match asked.method.as_str() {
            "GET" => Say::status(200).header("etag", read).body(body),
            "REPORT" => {
                let etag = if is_changed { "\"changed\"" } else { listed };
                let data = body.replace('\r', "");
                let props = format!(
                    "<d:getetag>{etag}</d:getetag><c:calendar-data>{data}</c:calendar-data>"
                );
                Say::multistatus(&found(OWN_PATH, &props))
            }
            "PROPFIND" => calendar_is_there(asked).unwrap(),
            _ => {
                let is_taken = asked.header("if-match") == taken;
                if is_taken || !changed.is_empty() {
                    *written = Some(asked.body.clone());
                }
                Say::status(if is_taken { 204 } else { 412 })
            }
        }
    }
}

const OF_READ: &str = "\"cal-5\"";
const OF_LISTING: &str = "\"1\"";

#[tokio::test]
async fn a_condition_takes_one_of_the_two_tags_that_a_server_gives_a_version() {
    for (seen, taken) in
        [(OF_LISTING, OF_LISTING), (OF_READ, OF_LISTING), (OF_LISTING, OF_READ), (OF_READ, OF_READ)]
    {
        let stub = Stub::new(with_two_tags(OF_READ, OF_LISTING, taken, "")).await;
        edit(&stub, Some(seen)).await.unwrap();
        let sent = stub
            .take()
            .into_iter()
            .filter(|asked| asked.method == "PUT")
            .map(|asked| asked.header("if-match").to_owned());
        let expected = if seen == taken { vec![taken] } else { vec![seen, taken] };
        assert_eq!(sent.collect::<Vec<_>>(), expected, "{seen} {taken}");
        let stub = Stub::new(with_two_tags(OF_READ, OF_LISTING, taken, "")).await;
        stub.account().delete(CALENDAR, &own(), Some(seen)).await.unwrap();
        assert_eq!(stub.take().last().unwrap().header("if-match"), taken, "{seen} {taken}");
    }
}

/// Changed at the moment of the write: no other tag is tried, be it that the tag of a GET stays the
/// same.
#[tokio::test]
async fn a_change_that_nobody_has_seen_is_never_overwritten() {
    for seen in [OF_LISTING, OF_READ] {
        let stub = Stub::new(with_two_tags(OF_READ, OF_LISTING, "\"changed\"", "Theirs")).await;
        assert!(matches!(edit(&stub, Some(seen)).await, Err(Error::ChangedMeanwhile)), "{seen}");
        assert_eq!(stub.take().iter().filter(|asked| asked.method == "PUT").count(), 1, "{seen}");
        let stub = Stub::new(with_two_tags(OF_READ, OF_LISTING, "\"changed\"", "Theirs")).await;
        assert!(
            matches!(
                stub.account().delete(CALENDAR, &own(), Some(seen)).await,
                Err(Error::ChangedMeanwhile)
            ),
            "{seen}"
        );
        assert_eq!(
            stub.take().iter().filter(|asked| asked.method == "DELETE").count(),
            1,
            "{seen}"
        );
    }
    // Seen in a version that neither has any more.
    let stub = Stub::new(with_two_tags(OF_READ, OF_LISTING, OF_LISTING, "")).await;
    assert!(matches!(edit(&stub, Some("\"0\"")).await, Err(Error::ChangedMeanwhile)));
    assert!(stub.take().iter().all(|asked| asked.method != "PUT"));
}
