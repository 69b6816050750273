use proptest::prelude::*;

use super::*;

mod samples;

use samples::{BLOCKS, FRAGMENTS};

/// An oracle of its own: the host as a name of its own, in any case, however the text is laid out.
fn leads_into_a_conference(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase().replace("%2f", "/").replace("%3a", ":");
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let names: Vec<&str> =
        lower.split(|c| !in_name(c)).map(|name| name.trim_matches(['.', '-'])).collect();
    hosts::HOSTS
        .into_iter()
        .find(|host| names.iter().any(|name| name == host || name.ends_with(&format!(".{host}"))))
}

#[test]
fn every_block_goes_and_the_prose_around_it_stays() {
    for (name, block) in BLOCKS {
        for (text, prose) in [
            (
                format!("Agenda: budget\nBring the plan.\n\n{block}"),
                "Agenda: budget\nBring the plan.",
            ),
            (block.to_string(), ""),
            (format!("Agenda: budget\r\n\r\n{}", block.replace('\n', "\r\n")), "Agenda: budget"),
        ] {
            let Stripped { kept, removed } = strip(&text);
            assert_eq!(kept, prose, "{name}");
            assert_eq!(strip(&removed).kept, "", "{name}: what was removed is known again");
        }
    }
}

#[test]
fn what_follows_a_block_stays() {
    for (name, block) in BLOCKS {
        let kept = strip(&format!("Before.\n\n{block}\n\nAfterwards we walk to the harbour.")).kept;
        assert_eq!(
            kept,
            if name.contains("cut short") {
                "Before."
            } else {
                "Before.\n\nAfterwards we walk to the harbour."
            },
            "{name}"
        );
    }
}

#[test]
fn the_block_comes_back_as_it_was() {
    for (name, block) in BLOCKS {
        let original = format!("Agenda\n\n{block}");
        let written = reattach("Agenda, edited", &strip(&original).removed);
        if name.contains("one piece") {
            assert_eq!(written, format!("Agenda, edited\n\n{}", text::normalise(block)), "{name}");
        }
        assert_eq!(strip(&written).kept, "Agenda, edited", "{name}");
        assert_eq!(reattach("Agenda, edited", &strip(&written).removed), written, "{name}");
        assert!(!written.contains(FENCE_START), "{name}");
    }
}

#[test]
fn prose_stays_as_it_is() {
    for prose in [
        "Passcode: 1234 for the door",
        "Meeting ID: see the board",
        "Join the meeting on time, please",
        "____________________________\nSigned",
        "We compare Microsoft Teams and Zoom.\n\n\n\nThen lunch.",
        "Dial 112 in an emergency",
        "https://example.org/zoom.us-review https://notzoom.us/",
        "Tel: +372 600 0000",
        "Link:",
        "Learn more",
        "-- Do not delete --",
    ] {
        assert_eq!(
            strip(prose),
            Stripped { kept: prose.into(), removed: String::new() },
            "{prose}"
        );
    }
}

#[test]
fn a_rule_above_is_not_the_opening_of_the_block_below() {
    let prose = format!("One\n{}\nTwo", "_".repeat(60));
    let (_, block) = BLOCKS[0];
    assert_eq!(strip(&format!("{prose}\n\n{block}")).kept, prose);
}

#[test]
fn links_inside_a_paragraph_move_to_the_end() {
    let original = "We talk at https://zoom.us/j/1, then eat.\nSlides: \
    https://example.org/s\n\nBackup (https://meet.jit.si/room) if needed.";
    let Stripped { kept, removed } = strip(original);
    assert_eq!(kept, "We talk at, then eat.\nSlides: https://example.org/s\n\nBackup if needed.");
    assert_eq!(removed, "https://zoom.us/j/1\n\nhttps://meet.jit.si/room");
    assert_eq!(
        reattach("We talk.", &removed),
        "We talk.\n\nhttps://zoom.us/j/1\n\nhttps://meet.jit.si/room"
    );
}

#[test]
fn labels_and_details_go_with_their_link() {
    for text in [
        "Join: https://zoom.us/j/1",
        "Liity kokoukseen: https://zoom.us/j/1",
        "Join:\nhttps://zoom.us/j/1",
        "- <https://zoom.us/j/1>",
        "Link\n(https://zoom.us/j/1)\nPasscode: 9",
        "tel:+3726000000,,1#",
    ] {
        assert_eq!(strip(&format!("a\n\n{text}\n\nb")).kept, "a\n\nb", "{text}");
    }
    assert_eq!(
        strip("Please join https://zoom.us/j/1\nPasscode: 9\nBring cake").kept,
        "Please join\nBring cake"
    );
}

#[test]
fn prose_that_could_be_taken_for_a_block_is_set_apart_from_what_comes_back() {
    let prose = format!("Signed\n{}", "_".repeat(30));
    let removed =
        strip("Dial in: tel:+3726000000 or https://teams.microsoft.com/l/x if you like").removed;
    let written = reattach(&prose, &removed);
    assert!(written.contains(FENCE_START) && written.contains(FENCE_END));
    assert_eq!(strip(&written), Stripped { kept: prose.clone(), removed: removed.clone() });
    assert_eq!(reattach(&prose, &strip(&written).removed), written);
    assert_eq!(strip(&format!("{written}\n\nTyped later")).kept, format!("{prose}\n\nTyped later"));
}

#[test]
fn a_link_that_the_user_typed_into_the_copy_is_not_doubled() {
    let removed = "https://zoom.us/j/1";
    let written = reattach("Call: https://zoom.us/j/1", removed);
    assert_eq!(written, "Call: https://zoom.us/j/1".to_owned());
    let other = reattach("See https://meet.jit.si/x there", removed);
    assert_eq!(other, "See https://meet.jit.si/x there\n\nhttps://zoom.us/j/1");
    assert_eq!(reattach("See https://meet.jit.si/x there", &strip(&other).removed), other);
}

#[test]
fn a_long_text_is_cut_and_its_end_comes_back() {
    let long = "Õhtu jutt. ".repeat(20_000);
    let Stripped { kept, removed } = strip(&long);
    assert!(kept.len() <= ANALYSED && kept.len() > ANALYSED - 100);
    assert_eq!(kept.split_whitespace().chain(removed.split_whitespace()).count(), 40_000);
    assert_eq!(strip(&kept).kept, kept);
    let written = reattach("Short now", &removed);
    assert_eq!(strip(&written), Stripped { kept: "Short now".into(), removed });
    for unbroken in ["õ".repeat(ANALYSED), "https://zoom.us/".repeat(ANALYSED)] {
        assert!(strip(&unbroken).kept.len() <= ANALYSED);
    }
}

#[test]
fn text_made_to_be_slow_ends() {
    let rule = "_".repeat(20);
    for unit in [
        "[",
        "[(",
        "<a ",
        "(",
        "https://",
        "tel:",
        "%25",
        "a.",
        "_",
        "\n",
        "-\n",
        "Join\n",
        "Join the meeting\nAccess code: 1\n",
        &format!("{rule}\n"),
        &format!("{rule}\nMicrosoft Teams\n"),
        "https://zoom.us/j/1\n---\n",
        "Join:\nMeeting ID: 1\n",
        "Join\nzoom.us\n",
        "zoom.us <",
        &format!("{FENCE_START}\n"),
        "x;https://",
    ] {
        let text = unit.repeat(1 + 2 * ANALYSED / unit.len());
        let kept = strip(&text).kept;
        assert_eq!(strip(&kept).kept, kept, "{unit:?}");
        assert!(strip_location(&text).len() <= text.len());
    }
}

/// Blocks within blocks, of which each pass can only see the innermost.
fn nested(depth: usize) -> String {
    let opening = format!("{}\n{}", "_".repeat(20), "x\n".repeat(11));
    let closing = format!("So much for Microsoft Teams\nLearn more\n{}", "PIN: 1\n".repeat(60));
    format!("Hello\n\n{}{}", opening.repeat(depth), closing.repeat(depth))
}

#[test]
fn what_a_removal_brings_together_is_found_too() {
    assert_eq!(strip(&nested(PASSES - 1)).kept, "Hello");
    assert_eq!(strip("zo<a href=\"https://zoom.us/j/1\">om.us</a>/j/2").kept, "");
}

#[test]
fn nothing_is_carried_over_from_a_text_that_never_comes_clean() {
    let Stripped { kept, removed } = strip(&nested(PASSES));
    assert_eq!(kept, "");
    assert_eq!(removed, text::normalise(&nested(PASSES)));
    let written = reattach("Edited", &removed);
    assert_eq!(strip(&written), Stripped { kept: "Edited".into(), removed });
}

#[test]
fn debug_shows_no_content() {
    assert_eq!(format!("{:?}", strip("private")), "Stripped { .. }");
}

#[test]
fn an_address_leads_into_a_conference_or_not() {
    assert!(
        is_conference_url(" https://zoom.us/j/1 ")
            && !is_conference_url("https://example.org/j/1")
            && !is_conference_url("")
    );
}

#[test]
fn prose_directly_above_a_link_stays() {
    assert_eq!(
        strip("Bring the plan\nhttps://zoom.us/j/1\nand cake").kept,
        "Bring the plan\nand cake"
    );
    assert_eq!(strip("Bring the plan\nJoin:\nhttps://zoom.us/j/1").kept, "Bring the plan");
}

#[test]
fn numbers_go_only_where_numbers_are_announced() {
    let after = |lines: &str| strip(&format!("https://zoom.us/j/1\n{lines}")).kept;
    assert_eq!(after("One tap mobile\nEstonia: +372 600 0000\nBring cake"), "Bring cake");
    assert_eq!(after("One tap mobile\nBring cake"), "Bring cake");
    assert_eq!(after("Estonia: +372 600 0000"), "Estonia: +372 600 0000");
    assert_eq!(after("Topic: budget"), "Topic: budget");
    let invited = "Anna is inviting you to a scheduled Zoom meeting.\nTopic: budget\nBring cake";
    assert_eq!(strip(invited).kept, "Bring cake");
}

#[test]
fn a_long_text_is_cut_at_a_blank_or_where_it_must_be() {
    assert_eq!(cut(&"x".repeat(ANALYSED)), ANALYSED);
    assert_eq!(cut(&format!("x {}", "y".repeat(ANALYSED))), ANALYSED, "the blank is too far back");
    let blank_at = |at: usize| format!("{} {}", "x".repeat(at), "y".repeat(ANALYSED));
    assert_eq!(cut(&blank_at(ANALYSED - 10)), ANALYSED - 10);
    assert_eq!(cut(&blank_at(ANALYSED - WORD)), ANALYSED - WORD);
    assert_eq!(cut(&blank_at(ANALYSED - WORD - 1)), ANALYSED);
}

fn lines(count: usize) -> String {
    (1..=count).map(|n| format!("Line number {n} of prose.\n")).collect()
}

#[test]
fn a_teams_block_shows_within_twelve_lines_that_it_is_one() {
    let block = |before: usize| {
        format!(
            "Agenda\n{}\n{}Microsoft Teams\nLearn more\nBring cake",
            "_".repeat(20),
            lines(before)
        )
    };
    assert_eq!(strip(&block(11)).kept, "Agenda\nBring cake");
    assert_eq!(strip(&block(12)).kept, text::normalise(&block(12)));
}

#[test]
fn a_teams_block_ends_with_a_long_rule_or_with_its_last_known_line() {
    let block = |rule: usize, after: &str| {
        let opening = "_".repeat(80);
        format!(
            "{opening}\nMicrosoft Teams meeting\nMeeting options\nFor Anna Berg\n{}\n{after}",
            "_".repeat(rule)
        )
    };
    assert_eq!(strip(&block(40, "Bring cake")).kept, "Bring cake");
    let short = "_".repeat(39);
    assert_eq!(
        strip(&block(39, "Bring cake")).kept,
        format!("For Anna Berg\n{short}\nBring cake"),
        "a short rule inside is kept"
    );
    // The last line is looked for in sixty.
    let far = |between: usize| {
        format!("{}\nMicrosoft Teams\n{}Learn more\nBring cake", "_".repeat(20), lines(between))
    };
    assert_eq!(strip(&far(58)).kept, "Bring cake");
    assert_eq!(strip(&far(59)).kept, "", "it has no end");
}

#[test]
fn a_webex_block_holds_what_stands_between_its_first_line_and_its_last_link() {
    let block = |between: usize| {
        format!(
            "Join the meeting\n{}https://example.webex.com/meet/anna\nAccess code: 1\nBring cake",
            lines(between)
        )
    };
    assert_eq!(strip(&block(0)).kept, "Bring cake");
    assert_eq!(strip(&block(7)).kept, "Bring cake");
    assert_eq!(
        strip(&block(8)).kept,
        format!("{}Bring cake", lines(8)),
        "eight lines may pass without a link"
    );
    assert_eq!(
        strip(&block(12)).kept,
        format!("Join the meeting\n{}Bring cake", lines(12)),
        "too far away"
    );
    assert_eq!(strip(&block(11)).kept, format!("{}Bring cake", lines(11)));
    let rule = "_".repeat(20);
    let ruled = format!(
        "Join the meeting\nhttps://example.webex.com/a\n{rule}\nAnna has the \
        key.\nhttps://example.webex.com/b"
    );
    assert_eq!(strip(&ruled).kept, format!("{rule}\nAnna has the key."), "a rule ends it");
    let zoom = "Join the meeting\nAnna Berg has the key.\nhttps://zoom.us/j/1";
    assert_eq!(strip(zoom).kept, "Join the meeting\nAnna Berg has the key.", "no link of Webex");
}

/// Lines and words as they occur, thrown together as they do not.
fn description() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        6 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
        1 => prop::sample::select(BLOCKS).prop_map(|(_, block)| block.to_owned()),
        2 => "[a-zA-Z .,:;<>()\\[\\]|_%/-]{0,12}",
        1 => "\\PC{0,8}",
    ];
    let gap = prop::sample::select(&["\n", "\n", "\n\n", " ", "", "\r\n"][..]);
    prop::collection::vec((fragment, gap), 0..24).prop_map(|parts| {
        parts.into_iter().flat_map(|(text, gap)| [text, gap.to_owned()]).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn stripping_twice_changes_nothing_and_leaves_no_host(text in description()) {
        let kept = strip(&text).kept;
        prop_assert_eq!(leads_into_a_conference(&kept), None);
        let again = strip(&kept);
        prop_assert_eq!(again.kept, kept.clone());
        prop_assert_eq!(again.removed, "");
        prop_assert_eq!(text::normalise(&kept), kept);
    }

    #[test]
    fn no_word_is_lost(text in description()) {
        let Stripped { kept, removed } = strip(&text);
        let both: Vec<&str> = kept.split_whitespace().chain(removed.split_whitespace()).collect();
        for word in text::normalise(&text).split_whitespace().filter(|w| w.chars().all(char::is_alphanumeric)) {
            if format!("{FENCE_START} {FENCE_END}").contains(word) {
                continue;
            }
            prop_assert!(both.iter().any(|w| w.contains(word)) || text.contains("<a"), "{}", word);
        }
    }

    #[test]
    fn the_round_trip_is_exact(edit in description(), original in description()) {
        let prose = strip(&edit).kept;
        let removed = strip(&original).removed;
        let written = reattach(&prose, &removed);
        let again = strip(&written);
        prop_assert_eq!(&again.kept, &prose);
        prop_assert_eq!(&again.removed, &removed);
        prop_assert_eq!(reattach(&prose, &again.removed), written);
    }

    #[test]
    fn an_edit_with_links_of_its_own_does_not_grow(edit in description(), original in description()) {
        let written = reattach(&edit, &strip(&original).removed);
        prop_assert_eq!(strip(&written).kept, strip(&edit).kept);
        let second = reattach(&edit, &strip(&written).removed);
        let third = reattach(&edit, &strip(&second).removed);
        prop_assert!(third.len() <= second.len(), "{} > {}", third.len(), second.len());
    }

    #[test]
    fn locations_hold_the_same(text in description()) {
        let kept = strip_location(&text);
        prop_assert_eq!(leads_into_a_conference(&kept), None);
        prop_assert_eq!(strip_location(&kept), kept);
    }

    #[test]
    fn a_place_edited_twice_keeps_each_link_once(edit in "[a-zA-Z0-9 \
    ]{0,12}", original in description()) {
        let edit = text::normalise(edit.trim_start());
        let written = reattach_location(&edit, &original);
        prop_assert_eq!(reattach_location(&edit, &written), written);
    }
}
