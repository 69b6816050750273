//! Copies that the server keeps under a name of its own.

use super::*;

/// A server that keeps what it is sent at the path `kept`, of which it says `location`, and gives
/// no ETag.
fn keeping(
    kept: &'static str,
    location: &'static str,
    sent: &'static str,
) -> impl Fn(&crate::caldav::stub::Received) -> Say {
    let data = move || object("").replace("UID:u1", &format!("UID:{sent}"));
    move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PROPFIND", _) => calendar_is_there(asked).unwrap(),
        ("PUT", _) if location.is_empty() => Say::status(201),
        ("PUT", _) => Say::status(201).header("location", location),
        ("GET", path) if path == kept => Say::status(200).header("etag", "\"7\"").body(data()),
        ("REPORT", _) if asked.body.contains(&format!(">{sent}<")) => {
            Say::multistatus(&found(kept, "<d:getetag>\"7\"</d:getetag>"))
        }
        _ => Say::status(404),
    }
}

#[tokio::test]
async fn a_server_may_keep_a_copy_under_a_name_of_its_own() {
    let draft = draft("Title");
    for (location, name, address) in [
        ("/home/work/item%201.EML", "item 1.EML", None),
        ("item%40.EML", "item@.EML", Some("item%40.EML")),
        ("http://inside.example:8080/home/work/item.EML", "item.EML", None),
        ("/remote/work/item.EML", "item.EML", Some("/remote/work/item.EML")),
        (COPY_PATH, COPY_NAME, None),
        // No place in this calendar: the name that was asked for stays.
        ("/home/other/item.EML", COPY_NAME, None),
        ("/home/work/", COPY_NAME, None),
        ("/", COPY_NAME, None),
        ("../other/item.EML", COPY_NAME, None),
    ] {
        for status in [200, 201, 204] {
            let stub = server(move || {
                Say::status(status).header("location", location).header("etag", "\"1\"")
            })
            .await;
            let dav = stub.account();
            let created = dav.create(CALENDAR, &copy(&draft)).await.unwrap();
            let rewritten = dav
                .rewrite(
                    CALENDAR,
                    &EventId::new(COPY_NAME),
                    &version(Some("\"0\""), 0),
                    &copy(&draft),
                )
                .await
                .unwrap();
            for written in [created, rewritten] {
                assert_eq!(
                    (written.id.as_str(), written.id.address()),
                    (name, address),
                    "{location}"
                );
                assert_eq!(
                    (written.etag.as_deref(), written.event.is_none()),
                    (Some("\"1\""), true)
                );
            }
            assert!(
                stub.take().iter().all(|asked| matches!(asked.method.as_str(), "PUT" | "GET")),
                "what is said needs no search"
            );
        }
    }
}

#[tokio::test]
async fn without_an_etag_a_copy_is_read_under_the_name_that_it_got() {
    let stub = Stub::new(keeping("/home/work/item.EML", "item.EML", UID)).await;
    let (dav, draft) = (stub.account(), draft("Title"));
    let written = dav.create(CALENDAR, &copy(&draft)).await.unwrap();
    assert_eq!((written.id.as_str(), written.etag.as_deref()), ("item.EML", Some("\"7\"")));
    assert_eq!(written.event.unwrap().id.as_str(), "item.EML");
    assert_eq!(stub.asked(), [format!("PUT {COPY_PATH}"), "GET /home/work/item.EML".into()]);
}

#[tokio::test]
async fn a_copy_that_is_not_under_its_name_is_looked_for_by_its_uid() {
    let stub = Stub::new(keeping("/home/work/item.EML", "", UID)).await;
    let (dav, draft) = (stub.account(), draft("Title"));
    for written in [
        dav.create(CALENDAR, &copy(&draft)).await.unwrap(),
        dav.rewrite(CALENDAR, &EventId::new(COPY_NAME), &version(Some("\"0\""), 5), &copy(&draft))
            .await
            .unwrap(),
    ] {
        assert_eq!((written.id.as_str(), written.etag.as_deref()), ("item.EML", Some("\"7\"")));
        assert!(written.sequence >= 4 && written.event.is_some());
    }
    let each = ["GET /home/work/calrelay-abc.ics", "REPORT /home/work/", "GET /home/work/item.EML"];
    assert_eq!(stub.asked()[1..4], each);

    // Another UID, a search that is refused or fails: the write is done, and no more is known of
    // it.
    let other = Stub::new(keeping("/home/work/item.EML", "", "calrelay-abcd")).await;
    let cannot = Stub::new(|asked| {
        Say::status(match asked.method.as_str() {
            "PUT" => 201,
            "GET" => 404,
            _ => 403,
        })
    })
    .await;
    let fails = Stub::new(|asked| {
        Say::status(match asked.method.as_str() {
            "PUT" => 201,
            "GET" => 404,
            _ => 503,
        })
    })
    .await;
    for stub in [other, cannot, fails] {
        let written = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap();
        assert_eq!((written.id.as_str(), written.etag, written.event), (COPY_NAME, None, None));
    }
}

#[tokio::test]
async fn an_edited_event_may_get_another_name() {
    let stub = Stub::new(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", OWN_PATH) => Say::status(200).header("etag", "\"1\"").body(object("")),
        ("GET", _) => {
            Say::status(200).header("etag", "\"2\"").body(object("").replace("Mine", "New"))
        }
        _ => Say::status(204).header("location", "/home/work/new.ics"),
    })
    .await;
    let written = edit(&stub, Some("\"1\"")).await.unwrap();
    assert_eq!(
        (written.id.as_str(), written.etag.as_deref(), written.sequence),
        ("new.ics", Some("\"2\""), 5)
    );
    assert_eq!(
        stub.asked(),
        [format!("GET {OWN_PATH}"), format!("PUT {OWN_PATH}"), "GET /home/work/new.ics".into()]
    );
}
