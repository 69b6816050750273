//! Titles, descriptions and places.

use super::*;

#[test]
fn texts_survive_with_line_ends_of_one_kind() {
    let content = Content {
        title: "A <b> & \"c\"".into(),
        description: "one\n<br> & &amp;\n<x@example.org>".into(),
        location: "Tallinn, 5 & 6".into(),
        ..tallinn()
    };
    let found = there_and_back(&single(&content)).content;
    assert_eq!(
        (found.title, found.description, found.location),
        (content.title, content.description, content.location)
    );
    let read = read(&hour(json!({
        "subject": "a &amp; b", "location": { "displayName": "x\r\ny", "uniqueId": "z" },
        "body": { "contentType": "text", "content": "one <b>\r\ntwo\rthree" },
    })));
    assert_eq!(read.content.title, "a &amp; b");
    assert_eq!(read.content.location, "x\ny");
    assert_eq!(read.content.description, "one <b>\ntwo\nthree");
}

#[test]
fn a_page_becomes_the_text_that_a_person_sees() {
    for (page, text) in [
        ("<html><head>\r\n<meta a=\"b\">\r\n<style>p { }</style></head><body>a</body></html>", "a"),
        (
            "<html>\r\n<body>\r\n<div>one\r\ntwo</div>\r\n<div><br></div>\r\n<p> three </p>\r\n",
            "one two\nthree",
        ),
        ("<p class=\"MsoNormal\">a<o:p></o:p></p><!-- <p>no</p> --><p>b&nbsp;c</p>", "a\nb c"),
        ("<![if !supportLists]>&#183; x<![endif]><ul><li>y</li></ul>", "\u{b7} x\ny"),
        (
            "<a href=\"https://example.org/\">here</a> 1 &lt; 2 <3",
            "here <https://example.org/> 1 < 2 <3",
        ),
        ("<b>a</b>\r\n<i>b</i>\r\n<br>\r\n c\r\nd", "a b\nc d"),
        ("a <!-- never ended", "a <!-- never ended"),
        ("a < b", "a < b"),
        ("", ""),
    ] {
        let found = read(&hour(json!({ "body": { "contentType": "html", "content": page } })));
        assert_eq!(found.content.description, text, "{page}");
    }
    for hostile in ["<".repeat(200_000), "<!--".repeat(100_000), "<a ".repeat(100_000)] {
        let hostile = json!({ "body": { "contentType": "html", "content": hostile } });
        read(&hour(hostile));
    }
}

#[test]
fn a_title_is_one_line_and_cut_at_255() {
    let title = |title: &str| {
        let draft = single(&Content { title: title.to_owned(), ..tallinn() });
        body(&draft)["subject"].as_str().unwrap().to_owned()
    };
    assert_eq!(title(&"a".repeat(255)), "a".repeat(255));
    assert_eq!(title(&"ä".repeat(300)), "ä".repeat(255));
    assert_eq!(title(&"😀".repeat(300)), "😀".repeat(127), "no half of a character");
    assert_eq!(title("one\r\ntwo\tthree\u{0}"), "one two three");
    let long = |length| Content { title: "b".repeat(length), ..tallinn() };
    assert!(differences(&long(255), &long(300)).is_empty(), "what is cut is no difference");
    assert_eq!(differences(&long(254), &long(300)), [Field::Title].into());
}
