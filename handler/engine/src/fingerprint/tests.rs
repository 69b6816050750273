use jiff::civil::date;

use super::*;
use crate::event::{Busy, Visibility};

fn prints() -> Fingerprinter {
    Fingerprinter::new(&[2; 32], "p1")
}

fn moment(hour: i8, zone: Zone) -> Moment {
    Moment { local: date(2026, 1, 12).at(hour, 0, 0, 0), zone }
}

fn berlin() -> Zone {
    Zone::Iana("Europe/Berlin".into())
}

fn draft() -> Draft {
    let content = Content {
        span: Span::Timed { start: moment(10, berlin()), end: moment(11, berlin()) },
        title: "Review".into(),
        description: "Numbers".into(),
        location: "Room 5".into(),
        attendees: vec!["a@example.org".into()],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    };
    Draft { content, series: None }
}

fn with(edit: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = draft();
    edit(&mut draft);
    draft
}

fn weekly(edit: impl FnOnce(&mut Series)) -> Draft {
    let mut series = Series { rules: vec!["FREQ=WEEKLY;BYDAY=MO".into()], ..Series::default() };
    edit(&mut series);
    Draft { series: Some(series), ..draft() }
}

fn fields(one: &Draft, other: &Draft) -> Vec<Field> {
    prints().origin(one).differences(&prints().origin(other)).fields.into_iter().collect()
}

fn day(day: i8) -> OriginalStart {
    OriginalStart::At(
        date(2026, 1, day).at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(),
    )
}

#[test]
fn each_field_has_a_hash_of_its_own() {
    for (field, other) in [
        (
            Field::Time,
            with(|draft| {
                draft.content.span =
                    Span::Timed { start: moment(10, berlin()), end: moment(12, berlin()) }
            }),
        ),
        (Field::Title, with(|draft| draft.content.title = "Preview".into())),
        (Field::Description, with(|draft| draft.content.description = "None".into())),
        (Field::Location, with(|draft| draft.content.location = "Room 6".into())),
        (Field::Attendees, with(|draft| draft.content.attendees.clear())),
        (Field::Visibility, with(|draft| draft.content.visibility = Visibility::Private)),
        (Field::Busy, with(|draft| draft.content.busy = Busy::Free)),
    ] {
        assert_eq!(fields(&draft(), &other), [field]);
        let copies = prints().copy(&draft()).differences(&prints().copy(&other));
        assert_eq!(
            copies.fields.contains(&field),
            field != Field::Attendees,
            "{field:?}: guests are no field of a copy"
        );
    }
}

#[test]
fn spelling_is_no_difference() {
    for same in [
        with(|draft| draft.content.title = "  Review \r\n".into()),
        with(|draft| draft.content.location = " Room 5".into()),
        with(|draft| {
            draft.content.span =
                Span::Timed { start: moment(9, Zone::Utc), end: moment(10, Zone::Utc) }
        }),
        with(|draft| draft.content.description = "Numbers\n\nhttps://zoom.us/j/1".into()),
    ] {
        assert_eq!(fields(&draft(), &same), []);
    }
    let floats = with(|draft| {
        draft.content.span =
            Span::Timed { start: moment(9, Zone::Floating), end: moment(10, Zone::Floating) }
    });
    assert_eq!(fields(&draft(), &floats), [Field::Time], "a floating time is no instant");
}

#[test]
fn a_rule_is_its_parts_in_any_order() {
    let rule = |text: &str| weekly(|series| series.rules = vec![text.into()]);
    for same in ["BYDAY=MO;FREQ=WEEKLY", "freq=weekly;byday=mo;;interval=1"] {
        assert_eq!(fields(&weekly(|_| ()), &rule(same)), [], "{same}");
    }
    for other in ["FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO;INTERVAL=2"] {
        assert_eq!(fields(&weekly(|_| ()), &rule(other)), [Field::Time], "{other}");
    }
}

#[test]
fn the_time_of_a_series_depends_on_its_zone() {
    let utc = |draft: &mut Draft| {
        draft.content.span = Span::Timed { start: moment(9, Zone::Utc), end: moment(10, Zone::Utc) }
    };
    let mut other = weekly(|_| ());
    utc(&mut other);
    assert_eq!(fields(&weekly(|_| ()), &other), [Field::Time]);
    let dates = |draft: Draft| Draft {
        series: Some(Series { extra: vec![day(19)], ..Series::default() }),
        ..draft
    };
    assert_eq!(
        fields(&dates(draft()), &dates(with(utc))),
        [Field::Time],
        "also where only dates repeat"
    );
    // Nothing repeats.
    let bare = Draft { series: Some(Series::default()), ..draft() };
    assert_eq!(fields(&bare, &draft()), []);
}

#[test]
fn further_dates_count_unless_they_were_changed() {
    let extra = weekly(|series| series.extra = vec![day(20)]);
    assert_eq!(fields(&weekly(|_| ()), &extra), [Field::Time]);
    let changed = Exception::Changed(Box::new(draft().content));
    let one = weekly(|series| series.exceptions = [(day(20), changed.clone())].into());
    let both = weekly(|series| {
        series.extra = vec![day(20)];
        series.exceptions = [(day(20), changed)].into();
    });
    assert!(prints().origin(&one) == prints().origin(&both));
    let cancelled = |extra| {
        weekly(|series| {
            series.extra = extra;
            series.exceptions = [(day(20), Exception::Cancelled)].into();
        })
    };
    assert_eq!(fields(&cancelled(vec![]), &cancelled(vec![day(20)])), [Field::Time]);
}

#[test]
fn an_exception_has_a_hash_of_all_it_says() {
    let one = |exception| {
        prints().origin(&weekly(|series| series.exceptions = [(day(19), exception)].into()))
    };
    let changed = |title: &str| {
        Exception::Changed(Box::new(Content { title: title.into(), ..draft().content }))
    };
    let none = prints().origin(&weekly(|_| ()));
    for (is, was) in [
        (one(Exception::Cancelled), &none),
        (one(changed("a")), &one(changed("b"))),
        (one(changed("a")), &one(Exception::Cancelled)),
    ] {
        let parts = is.differences(was);
        assert_eq!((parts.fields.len(), parts.exceptions), (0, [day(19)].into()));
    }
    assert!(one(changed("a")) == one(changed(" a")));
}

#[test]
fn another_scope_or_key_gives_other_hashes() {
    let one = prints().origin(&draft());
    for other in [Fingerprinter::new(&[2; 32], "p2"), Fingerprinter::new(&[3; 32], "p1")] {
        assert_eq!(one.differences(&other.origin(&draft())).fields, Field::ALL.into());
    }
}

#[test]
fn what_is_as_intended_was_changed_by_nobody() {
    let (base, intent) = (
        prints().origin(&draft()),
        prints().origin(&with(|draft| draft.content.title = "Second".into())),
    );
    let now = prints().origin(&with(|draft| {
        draft.content.title = "Second".into();
        draft.content.location = "Room 6".into();
    }));
    assert_eq!(now.changed_since(&base, Some(&intent)).fields, [Field::Location].into());
    assert_eq!(now.changed_since(&base, None).fields, [Field::Title, Field::Location].into());
}

#[test]
fn overlaid_hashes_are_those_of_the_named_parts() {
    let one = prints()
        .origin(&weekly(|series| series.exceptions = [(day(19), Exception::Cancelled)].into()));
    let mut draft = weekly(|series| series.exceptions = [(day(26), Exception::Cancelled)].into());
    draft.content.title = "Second".into();
    draft.content.location = "Room 6".into();
    let two = prints().origin(&draft);
    let all = one.overlaid(
        &two,
        &Parts { fields: [Field::Title].into(), exceptions: [day(19), day(26)].into() },
    );
    assert_eq!(
        all.differences(&two),
        Parts { fields: [Field::Location].into(), ..Parts::default() }
    );
    assert_eq!(
        all.differences(&one),
        Parts { fields: [Field::Title].into(), exceptions: [day(19), day(26)].into() }
    );
    assert!(one.overlaid(&two, &Parts::default()) == one);
}

#[test]
fn appearance_is_time_and_title() {
    let look = |draft: &Draft| prints().origin(draft).appearance();
    assert_eq!(look(&draft()), look(&with(|draft| draft.content.location = "Room 6".into())));
    let (titled, timed) = (with(|draft| draft.content.title = "Second".into()), weekly(|_| ()));
    assert!(look(&draft())[0] == look(&titled)[0] && look(&draft())[1] != look(&titled)[1]);
    assert!(look(&draft())[0] != look(&timed)[0] && look(&draft())[1] == look(&timed)[1]);
}

/// Worked out apart from the program.
const ONES: u32 = 0x4b91_b75d;
const ONES_AND_TWOS: u32 = 0x29a3_fa5d;

/// FNV-1a over all hashes in their order.
#[test]
fn a_digest_is_of_all_hashes() {
    let one: Fingerprint =
        serde_json::from_str(&format!("{{\"f\":\"{}\"}}", BASE64URL_NOPAD.encode(&[1; 56])))
            .unwrap();
    assert_eq!(one.digest(), ONES);
    assert_eq!(format!("{one:?}"), format!("Fingerprint({ONES:08x})"));
    let text = format!(
        "{{\"f\":\"{}\",\"x\":[[{{\"Day\":\"2026-01-01\"}},\"{}\"]]}}",
        BASE64URL_NOPAD.encode(&[1; 56]),
        BASE64URL_NOPAD.encode(&[2; 8])
    );
    let two: Fingerprint = serde_json::from_str(&text).unwrap();
    assert_eq!(two.digest(), ONES_AND_TWOS);
    assert_eq!(serde_json::to_string(&two).unwrap(), text);
}

#[test]
fn what_is_no_fingerprint_is_refused() {
    let (short, long) = (BASE64URL_NOPAD.encode(&[1; 55]), BASE64URL_NOPAD.encode(&[1; 56]));
    for text in [
        format!("{{\"f\":\"{short}\"}}"),
        "{\"f\":\"!\"}".into(),
        format!("{{\"f\":\"{long}\",\"x\":[[{{\"Day\":\"2026-01-01\"}},\"AAAA\"]]}}"),
    ] {
        assert!(serde_json::from_str::<Fingerprint>(&text).is_err(), "{text}");
    }
}

fn cut() -> (Fingerprint, Fingerprint, ShownPrint) {
    let cancelled = |days: &[i8]| days.iter().map(|at| (day(*at), Exception::Cancelled)).collect();
    let wanted = prints().origin(&weekly(|series| series.exceptions = cancelled(&[19, 26])));
    let mut shown = weekly(|series| series.exceptions = cancelled(&[19]));
    shown.content.description = "Num".into();
    shown.content.title = "Rev".into();
    let shown = prints().origin(&shown);
    let of = ShownPrint::of(&wanted, &shown, None);
    (wanted, shown, of)
}

#[test]
fn what_is_shown_otherwise_is_known_part_by_part() {
    let (wanted, print, shown) = cut();
    assert!(!shown.is_empty() && ShownPrint::of(&wanted, &wanted, None).is_empty());
    assert!(shown.meant(&wanted, &print) == wanted && shown.of_written(&wanted) == print);
    assert!(shown.meant(&wanted, &wanted) == wanted, "what was written means itself");
    let title = Parts { fields: [Field::Title].into(), ..Parts::default() };
    let only = ShownPrint::of(&wanted, &print, Some(&title));
    let meant = only.meant(&wanted, &print);
    assert_eq!(
        meant.differences(&wanted),
        Parts { fields: [Field::Description].into(), exceptions: [day(26)].into() }
    );
    let missing = Parts { exceptions: [day(26)].into(), ..Parts::default() };
    let only = ShownPrint::of(&wanted, &print, Some(&missing));
    assert!(!only.is_empty(), "an exception that is not shown");
    assert_eq!(only.of_written(&wanted).differences(&wanted), missing);
}

#[test]
fn parts_of_what_is_shown_are_taken_away_and_put_together() {
    let (wanted, print, shown) = cut();
    let some = Parts { fields: [Field::Title].into(), exceptions: [day(26)].into() };
    let rest = shown.clone().without(&some);
    assert!(
        rest != shown
            && rest
                == ShownPrint::of(
                    &wanted,
                    &print,
                    Some(&Parts { fields: [Field::Description].into(), ..Parts::default() })
                )
    );
    assert!(rest.clone().and(ShownPrint::of(&wanted, &print, Some(&some))) == shown);
    assert!(
        rest.without(&Parts { fields: [Field::Description].into(), ..Parts::default() }).is_empty()
    );
    let text = serde_json::to_string(&shown).unwrap();
    assert!(serde_json::from_str::<ShownPrint>(&text).unwrap() == shown, "{text}");
    assert!(
        serde_json::from_str::<ShownPrint>("{\"f\":{\"title\":\"AAAA\"}}").is_err(),
        "a hash of another length"
    );
}
