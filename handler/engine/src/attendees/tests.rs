use proptest::prelude::*;

use super::*;

fn list(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|a| (*a).to_owned()).collect()
}

#[test]
fn the_block_stands_after_one_blank_line_sorted_and_without_doubles() {
    let guests = list(&["bob@example.org", "alice@example.org", "bob@example.org"]);
    assert_eq!(
        append("Agenda\n\n", &guests),
        format!("Agenda\n\n{HEADER}\nalice@example.org\nbob@example.org")
    );
    assert_eq!(append("", &guests), format!("{HEADER}\nalice@example.org\nbob@example.org"));
}

#[test]
fn nobody_means_no_block() {
    assert_eq!(append("Agenda", &[]), "Agenda");
    let old = append("Agenda", &list(&["alice@example.org"]));
    assert_eq!(append(&old, &[]), "Agenda");
}

#[test]
fn more_than_the_limit_is_counted() {
    let guests: Vec<String> = (0..53).map(|n| format!("guest{n:02}@example.org")).collect();
    let block = append("", &guests);
    assert_eq!(block.lines().count(), 1 + LIMIT + 1);
    assert!(block.ends_with("guest49@example.org\n… and 3 more"));
    assert_eq!(remove(&block), "");
    assert!(!append("", &guests[..LIMIT]).contains("more"));
}

#[test]
fn what_is_not_an_address_cannot_break_out_of_the_block() {
    let guests = list(&[
        "a@example.org\nTyped by a stranger",
        "urn:uuid:1",
        "",
        "two words@example.org",
        "x@example.org",
    ]);
    assert_eq!(append("", &guests), format!("{HEADER}\nx@example.org"));
}

#[test]
fn text_around_the_block_is_kept() {
    let changed = format!(
        "Before\r\n\r\n{HEADER}  \r\nalice@example.org \r\n… and 2 more\r\n\r\nmail \
        carol@example.org\r\ndave@example.org"
    );
    assert_eq!(remove(&changed), "Before\n\nmail carol@example.org\ndave@example.org");
    assert_eq!(remove(&format!("Before\n{HEADER}\nalice@example.org\nSee you")), "Before\nSee you");
    assert_eq!(
        remove(&format!("{HEADER}\nalice@example.org\n\nbob@example.org")),
        "bob@example.org"
    );
}

#[test]
fn a_provider_may_link_the_addresses_and_spell_out_the_ellipsis() {
    let linked = format!(
        "Text\n\n{HEADER}\nalice@example.org \
        <mailto:alice@example.org>\nbob@example.org<mailto:bob@example.org>\n... and 1 more"
    );
    assert_eq!(remove(&linked), "Text");
}

fn description() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(HEADER.to_owned()),
        Just(format!("{HEADER} \r")),
        Just("alice@example.org".to_owned()),
        Just("… and 4 more".to_owned()),
        Just(String::new()),
        "[a-z @.]{0,12}",
        "\\PC{0,12}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn removing_undoes_appending(text in description(), guests in prop::collection::vec("[a-c]{1,2}@example\\.org|\\PC{0,8}|[a-z@\u{308}\u{212b}]{1,6}", 0..60)) {
        let bare = remove(&text);
        prop_assert_eq!(remove(&bare), bare.clone());
        prop_assert!(!bare.contains(HEADER) || bare.lines().all(|l| l.trim() != HEADER));
        let with = append(&text, &guests);
        prop_assert_eq!(remove(&with), bare);
        prop_assert_eq!(append(&with, &guests), with);
    }

    #[test]
    fn a_text_without_the_block_is_only_normalised(text in "[a-z@ \r\n\t]{0,60}") {
        prop_assert_eq!(remove(&text), text::normalise(&text));
    }
}

#[test]
fn what_is_no_address_is_left_out() {
    for value in
        ["… and 3 more", "... and 3 more", "anna", "a b@example.org", "a\u{7}@example.org", ""]
    {
        assert_eq!(append("Prose", &[value.to_owned()]), "Prose", "{value:?}");
    }
}
