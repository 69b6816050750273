use proptest::prelude::*;

use super::*;

#[test]
fn the_table_is_in_order() {
    assert!(TAGS.windows(2).all(|two| two[0].0 < two[1].0));
}

#[test]
fn what_googles_pages_write_reads_as_a_person_sees_it() {
    for (html, text) in [
        ("plain\ntext", "plain\ntext"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("a<ul><li>b</li><li>c</li></ul>d", "a\nb\nc\nd"),
        ("<b>bold</b> &amp; <i>soft</i>&nbsp;&#8364;&#x41;", "bold & soft €A"),
        (
            "see <a href=\"https://example.org/a?b=1&amp;c=2\">the page</a>.",
            "see the page <https://example.org/a?b=1&c=2>.",
        ),
        ("<a href='https://example.org/'>example.org</a>", "example.org"),
        ("<a href=\"javascript:alert(1)\">here</a>", "here"),
        ("<a title=\"a > b\" href=\"mailto:a@example.org\"></a>", "mailto:a@example.org"),
        (
            "ask <alice@example.org> & <https://example.org>",
            "ask <alice@example.org> & <https://example.org>",
        ),
        ("1 < 2 > 1 &c; &unknown; &", "1 < 2 > 1 &c; &unknown; &"),
        ("<style>p { color: red }</style>kept<script>x</script>", "kept"),
        ("<html-blob>a<br>b</html-blob>", "a\nb"),
        ("<b", "<b"),
        ("<b <b>x</b>", "<b x"),
    ] {
        assert_eq!(to_text(html), text, "{html}");
    }
}

#[test]
fn a_text_that_looks_like_html_is_written_so_that_it_does_not() {
    assert_eq!(from_text("a < b & c <x@example.org>"), "a < b & c <x@example.org>");
    assert_eq!(from_text("<b <b>&amp;</b>"), "&lt;b &lt;b>&amp;amp;&lt;/b>");
}

#[test]
fn hostile_texts_take_linear_time() {
    for text in [
        "<a ".repeat(100_000),
        "&#".repeat(150_000),
        "<p \"".repeat(80_000),
        "<a href=\"https://x\">".repeat(20_000),
    ] {
        assert!(to_text(&text).len() <= 2 * text.len() + 1);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(text in "(<|>|/|&|;|#|amp|lt|br|b|a href=|\"|\n| \
    |x|é|[0-9]){0,40}|\\PC{0,80}") {
        prop_assert_eq!(to_text(&from_text(&text)), text);
    }

    #[test]
    fn any_description_is_read(text in "(?s).{0,200}|(</?(p|br|a \
    href='http://x'|li|style)>|&[a-z#0-9]{0,6};|y){0,60}") {
        to_text(&text);
    }
}
