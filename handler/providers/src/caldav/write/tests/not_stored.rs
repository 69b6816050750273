//! Writes that are answered with success, and that the server never sees or does not store.

use super::*;

/// A server with an event, and with `etag` for it; what it is sent it does not store. `answer` is
/// what a PUT meets.
async fn ignoring(etag: &'static str, answer: fn() -> Say) -> Stub {
    Stub::new(move |asked| match asked.method.as_str() {
        "PUT" => answer(),
        "GET" if etag.is_empty() => Say::status(404),
        "GET" => Say::status(200).header("etag", etag).body(object("")),
        "PROPFIND" => calendar_is_there(asked).unwrap(),
        _ => Say::status(404),
    })
    .await
}

fn page() -> Say {
    Say::status(200).header("content-type", "text/html; charset=utf-8").body("<html>Sign in</html>")
}

fn page_with_etag() -> Say {
    page().header("etag", "\"2\"")
}

async fn rewritten(stub: &Stub) -> Result<Written> {
    let draft = draft("Title");
    let version = version(Some("\"1\""), 4);
    stub.account().rewrite(CALENDAR, &EventId::new(COPY_NAME), &version, &copy(&draft)).await
}

#[tokio::test]
async fn a_version_that_was_to_be_replaced_and_is_there_still_was_not_replaced() {
    for answer in [page as fn() -> Say, page_with_etag, || Say::status(204)] {
        let stub = ignoring("\"1\"", answer).await;
        for written in [rewritten(&stub).await, edit(&stub, Some("\"1\"")).await] {
            assert!(matches!(written, Err(Error::BadAnswer(_))), "{:?}: {written:?}", answer());
        }
    }
}

#[tokio::test]
async fn a_version_that_the_answer_names_may_be_shown_late() {
    let stub = ignoring("\"1\"", || Say::status(204).header("etag", "\"2\"")).await;
    assert_eq!(rewritten(&stub).await.unwrap().etag.as_deref(), Some("\"2\""));
}

#[tokio::test]
async fn what_another_client_has_written_since_is_no_lost_write() {
    let stub = ignoring("\"theirs\"", || Say::status(204)).await;
    assert_eq!(rewritten(&stub).await.unwrap().etag.as_deref(), Some("\"theirs\""));
}

/// ETags that follow from the content, of a server that stores less than it is sent.
#[tokio::test]
async fn an_equal_object_may_have_an_equal_version() {
    for stored in
        [object("").replace("SEQUENCE:4", "SEQUENCE:5"), object("").replace("Mine", "New")]
    {
        let put = std::sync::atomic::AtomicBool::new(false);
        let stub = Stub::new(move |asked| match asked.method.as_str() {
            "PUT" => {
                put.store(true, std::sync::atomic::Ordering::Relaxed);
                Say::status(204)
            }
            _ => {
                let is_put = put.load(std::sync::atomic::Ordering::Relaxed);
                let body = if is_put { stored.clone() } else { object("") };
                Say::status(200).header("etag", "\"1\"").body(body)
            }
        })
        .await;
        let written = edit(&stub, Some("\"1\"")).await.unwrap();
        assert_eq!((written.etag.as_deref(), written.sequence), (Some("\"1\""), 5));
    }
}

#[tokio::test]
async fn a_new_event_of_which_a_web_page_says_that_it_was_made_has_to_be_there() {
    let draft = draft("Title");
    for answer in [page as fn() -> Say, page_with_etag] {
        let stub = ignoring("", answer).await;
        let created = stub.account().create(CALENDAR, &copy(&draft)).await;
        assert!(matches!(created, Err(Error::BadAnswer(_))), "{created:?}");
        let stub = server(answer).await;
        let created = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap();
        assert_eq!(created.etag.as_deref(), Some("\"1\""), "as it is read");
    }
    // Behind a captive portal everything is that page.
    let portal = Stub::new(|_| page()).await;
    let created = portal.account().create(CALENDAR, &copy(&draft)).await;
    assert!(matches!(created, Err(Error::BadAnswer(_))), "{created:?}");
}

/// Some servers show what was made late, or under a name of their own.
#[tokio::test]
async fn a_new_event_that_is_not_found_is_said_to_be_missing() {
    let draft = draft("Title");
    let stub = ignoring("", || Say::status(201)).await;
    let created = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap();
    assert_eq!((created.etag, created.is_missing), (None, true));
    let fails = Stub::new(|asked| Say::status(if asked.method == "PUT" { 201 } else { 500 })).await;
    assert!(!fails.account().create(CALENDAR, &copy(&draft)).await.unwrap().is_missing);
    let there = server(|| Say::status(201)).await;
    assert!(!there.account().create(CALENDAR, &copy(&draft)).await.unwrap().is_missing);
}
