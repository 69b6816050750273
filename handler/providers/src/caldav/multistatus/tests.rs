use std::io::Cursor;
use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use tokio::io::{AsyncRead, BufReader, ReadBuf};

use super::entry::{Privileges, ResourceType};
use super::*;

async fn parse(xml: impl AsRef<[u8]>) -> Result<(Vec<Entry>, Tail)> {
    let mut entries = Vec::new();
    let tail = read(xml.as_ref(), |entry| {
        entries.push(entry);
        Ok(())
    })
    .await?;
    Ok((entries, tail))
}

fn why(result: Result<(Vec<Entry>, Tail)>) -> String {
    match result {
        Err(Error::BadAnswer(why)) => why,
        other => panic!("{other:?}"),
    }
}

const APPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<multistatus xmlns="DAV:">
  <response xmlns="DAV:">
    <href>/17149682/calendars/home/</href>
    <propstat>
      <prop>
        <resourcetype xmlns="DAV:"><collection/><calendar xmlns="urn:ietf:params:xml:ns:caldav"/></resourcetype>
        <getctag xmlns="http://calendarserver.org/ns/">HwoQEgwAAA==</getctag>
        <sync-token xmlns="DAV:">HwoQ</sync-token>
        <current-user-privilege-set><privilege><read/></privilege><privilege><write/></privilege></current-user-privilege-set>
      </prop>
      <status>HTTP/1.1 200 OK</status>
    </propstat>
    <propstat>
      <prop><getetag/><displayname>not this</displayname><getctag xmlns="http://calendarserver.org/ns/"/></prop>
      <status>HTTP/1.1 404 Not Found</status>
    </propstat>
  </response>
</multistatus>"#;

#[tokio::test]
async fn only_what_was_found_counts_and_names_count_by_namespace() {
    let (entries, _) = parse(APPLE).await.unwrap();
    let props = &entries[0].props;
    assert_eq!(props.ctag.as_deref(), Some("HwoQEgwAAA=="));
    assert_eq!(props.sync_token.as_deref(), Some("HwoQ"));
    assert_eq!(props.display_name, None);
    assert_eq!(
        props.kind,
        ResourceType { collection: true, calendar: true, ..ResourceType::default() }
    );
    assert_eq!(props.privileges, Some(Privileges { write: true, ..Privileges::default() }));
    assert!(props.writable());

    let foreign = APPLE
        .replace("urn:ietf:params:xml:ns:caldav", "urn:example:other")
        .replace("calendarserver.org", "example.org");
    let (entries, _) = parse(foreign).await.unwrap();
    assert!(!entries[0].props.kind.calendar);
    assert_eq!(entries[0].props.ctag, None);
}

#[tokio::test]
async fn every_form_of_an_entry_of_a_sync_report() {
    let xml = r#"<D:multistatus xmlns:D="DAV:">
        <D:response><D:href> /c/changed.ics </D:href><D:propstat><D:status>HTTP/1.1 200 OK</D:status><D:prop><D:getetag>"1"</D:getetag></D:prop></D:propstat></D:response>
        <D:response><D:href>/c/gone.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>
        <D:response><D:href>/c/a.ics</D:href><D:href>/c/b.ics</D:href><D:status>HTTP/2 404</D:status></D:response>
        <D:response><D:href>/c/</D:href><D:status>507</D:status><D:error><D:number-of-matches-within-limits/></D:error></D:response>
        <D:sync-token>http://example.org/sync/2</D:sync-token></D:multistatus>"#;
    let (entries, tail) = parse(xml).await.unwrap();
    let brief: Vec<_> =
        entries.iter().map(|e| (e.href.as_str(), e.status, e.props.etag.as_deref())).collect();
    assert_eq!(
        brief,
        [
            ("/c/changed.ics", None, Some("\"1\"")),
            ("/c/gone.ics", Some(404), None),
            ("/c/a.ics", Some(404), None),
            ("/c/b.ics", Some(404), None),
            ("/c/", Some(507), None)
        ]
    );
    assert_eq!(tail, Tail { sync_token: Some("http://example.org/sync/2".into()), entries: 5 });
}

fn object(data: &str) -> String {
    format!(
        r#"<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><response><href>/c/x.ics</href><propstat><prop><getetag>&quot;1&quot;</getetag><c:calendar-data>{data}</c:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#
    )
}

#[tokio::test]
async fn a_calendar_object_in_cdata_in_references_and_in_pieces() {
    for data in [
        "<![CDATA[SUMMARY:A & B <c>]]>",
        "SUMMARY:A &amp; B &lt;c&gt;",
        "SUMMARY:A &#38; B &#x3C;c&#62;",
        "SUM<!-- no -->MARY:A<![CDATA[ &]]> B &lt;c>",
    ] {
        let (entries, _) = parse(object(data)).await.unwrap();
        assert_eq!(entries[0].props.data, Some(Data::Object("SUMMARY:A & B <c>".into())), "{data}");
        assert_eq!(entries[0].props.etag.as_deref(), Some("\"1\""));
    }
}

#[tokio::test]
async fn an_object_that_is_too_large_costs_only_itself() {
    for size in [MAX_OBJECT + 1, 3 << 20, 8 << 20] {
        // How many bytes it is when written, and when read.
        for (filling, read) in [("x", 1), ("ä", 2), ("x&lt;", 2)] {
            let data = filling.repeat(size.div_ceil(filling.len()));
            let read = data.len() / filling.len() * read;
            let first = object(&data);
            let both = first.replace(
                "</multistatus>",
                "<response><href>/c/y.ics</href><status>HTTP/1.1 404 \
                Gone</status></response></multistatus>",
            );
            let (entries, _) = parse(both).await.unwrap();
            assert_eq!(entries[1].href, "/c/y.ics");
            assert_eq!(entries[0].props.etag.as_deref(), Some("\"1\""));
            let too_large = entries[0].props.data == Some(Data::TooLarge);
            assert_eq!(too_large, read > MAX_OBJECT, "{size} {filling}");
        }
    }
    let exact = "x".repeat(MAX_OBJECT);
    let (entries, _) = parse(object(&exact)).await.unwrap();
    assert_eq!(entries[0].props.data, Some(Data::Object(exact)));
}

#[tokio::test]
async fn a_text_without_an_end_is_given_up() {
    let endless = format!(
        "{}{}",
        object("").split("</c:calendar-data>").next().unwrap(),
        ">".repeat(8 << 20)
    );
    assert!(why(parse(endless).await).contains("larger"));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_never_looks_whole() {
    let whole = object("SUMMARY:x &amp; <![CDATA[y]]>");
    for end in 0..whole.len() {
        let Err(error) = parse(&whole[..end]).await else { panic!("{}", &whole[..end]) };
        assert!(matches!(error, Error::BadAnswer(_)), "{error}");
    }
    parse(whole).await.unwrap();
}

#[tokio::test]
async fn what_is_no_multistatus_is_refused_without_being_quoted() {
    let secret = "Lunch with Nobody";
    let bomb = format!(
        r#"<!DOCTYPE x [<!ENTITY a "{secret}"><!ENTITY b "&a;&a;&a;">]><multistatus xmlns="DAV:">&b;</multistatus>"#
    );
    let deep = format!(r#"<multistatus xmlns="DAV:">{}"#, "<a>".repeat(100_000));
    let attributes: String = (0..100).map(|n| format!(" a{n}='{secret}'")).collect();
    for xml in [
        String::new(),
        " ".into(),
        secret.into(),
        format!("<html><body>{secret}</body></html>"),
        format!("<multistatus>{secret}</multistatus>"),
        format!(r#"<m:multistatus xmlns:m="urn:other">{secret}</m:multistatus>"#),
        format!("<d:multistatus>{secret}</d:multistatus>"),
        bomb,
        deep,
        format!(r#"<multistatus xmlns="DAV:"><response{attributes}/></multistatus>"#),
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>{secret}</propstat></response></multistatus>"#
        ),
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>&{};</href></response></multistatus>"#,
            "lunch"
        ),
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>&#0;{secret}</href></response></multistatus>"#
        ),
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>{}</href></response></multistatus>"#,
            secret.repeat(10_000)
        ),
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>/</href><status>{secret}</status></response></multistatus>"#
        ),
        object(&format!("{secret}</c:calendar-data><c:calendar-data xmlns:c=\"\">")),
    ] {
        let start: String = xml.chars().take(80).collect();
        match parse(xml).await {
            Err(error @ Error::BadAnswer(_)) => {
                assert!(!error.to_string().contains("Lunch"), "{error}")
            }
            Err(error) => panic!("{error} for {start}"),
            Ok((entries, _)) => {
                assert!(entries.iter().all(|entry| entry.props.data.is_none()), "{start}")
            }
        }
    }
    assert!(matches!(
        parse([b"<multistatus xmlns='DAV:'>".as_slice(), &[0xff, 0xfe]].concat()).await,
        Err(Error::BadAnswer(_))
    ));
}

#[tokio::test]
async fn elements_in_the_wrong_place_mean_nothing() {
    let xml = r#"<multistatus xmlns="DAV:"><x><response><href>/a</href></response></x><sync-token/>
        <response><x><href>/wrong</href></x><href>/right</href><propstat><prop><x><getetag>"no"</getetag></x></prop>
        <status>HTTP/1.1 200 OK</status></propstat><getetag>"no"</getetag></response></multistatus>"#;
    let (entries, tail) = parse(xml).await.unwrap();
    assert_eq!(entries, [Entry { href: "/right".into(), ..Entry::default() }]);
    assert_eq!(tail.sync_token, None);
}

#[tokio::test]
async fn the_visitor_can_stop_the_reading() {
    let error = read(APPLE.as_bytes(), |_| Err(Error::CalendarMissing)).await.unwrap_err();
    assert!(matches!(error, Error::CalendarMissing));
}

/// Breaks off after its content.
struct Broken(Cursor<Vec<u8>>);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        if buffer.filled().len() == before {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionAborted.into()));
        }
        read
    }
}

#[tokio::test]
async fn a_broken_connection_is_not_the_servers_bad_answer() {
    let body = BufReader::new(Broken(Cursor::new(APPLE.as_bytes()[..300].to_vec())));
    assert!(matches!(read(body, |_| Ok(())).await, Err(Error::Unreachable(_))));
}

#[test]
fn what_the_content_type_says_about_the_component() {
    let props = |kind: &str| Props { content_type: Some(kind.into()), ..Props::default() };
    assert!(Props::default().may_be_event());
    assert!(props("text/calendar; charset=utf-8").may_be_event());
    assert!(props("text/calendar;charset=utf-8;component=VEVENT").may_be_event());
    assert!(!props("text/calendar; charset=utf-8; Component=\"vtodo\"").may_be_event());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(parse(bytes));
    }

    #[test]
    fn no_damage_makes_it_panic_or_invent_entries(at in 0..APPLE.len(), with in "[<>&/\"a-z\\]\\[!-]{0,12}", cut in 0..40_usize) {
        let end = (at + cut).min(APPLE.len());
        let xml = [&APPLE.as_bytes()[..at], with.as_bytes(), &APPLE.as_bytes()[end..]].concat();
        if let Ok((entries, _)) = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(parse(xml)) {
            prop_assert!(entries.len() <= 1);
        }
    }

    #[test]
    fn any_text_arrives_as_it_was_sent(text in "[ -~äöü€😀\n]{0,200}") {
        let escaped = quick_xml::escape::escape(text.as_str()).into_owned();
        let (entries, _) = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(parse(object(&escaped))).unwrap();
        let expected = Some(text).filter(|text| !text.is_empty()).map(Data::Object);
        prop_assert_eq!(&entries[0].props.data, &expected);
    }
}
