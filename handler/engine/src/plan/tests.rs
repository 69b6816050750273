//! The case table of `plan.rs`, case by case.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::calendar::{CalendarId, PairId};
use crate::event::{Busy, Content, Exception, Field, Moment, Organizer, OriginalStart, Series, Span, Visibility, Zone};

const TEAMS: &str = "Agenda first.\n\n________________________________________________________________________________\nMicrosoft Teams meeting\nJoin: https://teams.microsoft.com/l/meetup-join/19%3ameeting_x\n________________________________________________________________________________";

struct World {
    pair: Pair,
    marks: Marks,
    prints: Fingerprinter,
    now: Timestamp,
    full: bool,
}

fn world() -> World {
    let pair = Pair {
        id: PairId::new("p1"),
        from: CalendarId::new("ca"),
        to: CalendarId::new("cb"),
        two_way: true,
        private: false,
        private_back: false,
        window_past: "3mo".parse().unwrap(),
        window_future: "12mo".parse().unwrap(),
        paused: false,
    };
    World {
        pair,
        marks: Marks::new(&[1; 32]),
        prints: Fingerprinter::new(&[2; 32], "p1"),
        now: "2026-03-10T12:00:00Z".parse().unwrap(),
        full: false,
    }
}

impl World {
    fn one_way(mut self) -> Self {
        self.pair.two_way = false;
        self
    }
    fn private(mut self) -> Self {
        self.pair.private = true;
        self
    }
    fn planner(&self) -> Planner<'_> {
        Planner {
            pair: &self.pair,
            kinds: [ProviderKind::Caldav; 2],
            zones: [None, None],
            marks: &self.marks,
            prints: &self.prints,
            window: self.pair.window(self.now),
            now: self.now,
            full: self.full,
        }
    }
    fn known(&self, mapping: &Mapping, origin: Seen, copy: Seen) -> Decision {
        self.planner().known(mapping, origin, copy)
    }
    /// A mapping in step, and the two events as they stand.
    fn synced(&self, origin: Event) -> (Mapping, Event, Event) {
        let Decision::Create(create) = self.planner().unknown(Side::From, &origin, EventId::new("/b/copy.ics"), None) else {
            panic!("an ordinary event is copied")
        };
        let mut mapping = create.mapping;
        mapping.state = State::Live;
        mapping.copy.etag = Some("c1".into());
        let mark = self.marks.mint(Role::Copy, mapping.id, &self.pair.to);
        let copy = Event {
            id: mapping.copy.id.clone(),
            uid: mapping.id.copy_uid(0),
            etag: Some("c1".into()),
            marker: Some(mark),
            content: create.draft.content,
            series: create.draft.series,
            organizer: None,
            ..origin.clone()
        };
        (mapping, origin, copy)
    }
}

fn at(local: &str) -> Moment {
    Moment { local: local.parse().unwrap(), zone: Zone::Iana("Europe/Berlin".into()) }
}

fn event() -> Event {
    Event {
        id: EventId::new("/a/1.ics"),
        uid: "1".into(),
        etag: Some("o1".into()),
        sequence: 0,
        content: Content {
            span: Span::Timed { start: at("2026-03-12T10:00"), end: at("2026-03-12T11:00") },
            title: "Review".into(),
            description: "Bring numbers".into(),
            location: "Room 5".into(),
            attendees: vec![],
            visibility: Visibility::Default,
            busy: Busy::Busy,
        },
        series: None,
        organizer: None,
        cancelled: false,
        declined: false,
        others: false,
        marker: None,
    }
}

fn weekly() -> Event {
    let mut event = event();
    event.series = Some(Series { rules: vec!["FREQ=WEEKLY".into()], extra: vec![], exceptions: BTreeMap::new() });
    event
}

fn start(text: &str) -> OriginalStart {
    OriginalStart::At(text.parse().unwrap())
}

fn edited(event: &Event, etag: &str, edit: impl FnOnce(&mut Event)) -> Seen {
    let mut event = event.clone();
    event.etag = Some(etag.into());
    edit(&mut event);
    Seen::Event(Box::new(event))
}

fn write(decision: Decision) -> Write {
    match decision {
        Decision::Write(write) => *write,
        other => panic!("expected a write, got {other:?}"),
    }
}

fn fields(change: &Option<Change>) -> Vec<Field> {
    change.as_ref().map(|change| change.parts.fields.iter().copied().collect()).unwrap_or_default()
}

fn skipped(decision: &Decision) -> Reason {
    match decision {
        Decision::Skip { reason, .. } => *reason,
        other => panic!("expected a skip, got {other:?}"),
    }
}

#[test]
fn new_events_are_copied_unless_there_is_a_reason() {
    let world = world();
    let planner = world.planner();
    let decide = |edit: &dyn Fn(&mut Event)| {
        let mut event = event();
        edit(&mut event);
        planner.unknown(Side::From, &event, EventId::new("/b/x.ics"), None)
    };
    assert!(matches!(decide(&|_| ()), Decision::Create(_)));
    assert_eq!(skipped(&decide(&|e| e.cancelled = true)), Reason::Cancelled);
    assert_eq!(skipped(&decide(&|e| e.declined = true)), Reason::Declined);
    let on = |day| Span::AllDay { start: day, end: day.tomorrow().unwrap() };
    assert_eq!(skipped(&decide(&|e| e.content.span = on(date(2025, 12, 9)))), Reason::OutsideWindow);
    assert!(matches!(decide(&|e| e.content.span = on(date(2025, 12, 10))), Decision::Create(_)), "the first day counts");
    assert_eq!(skipped(&decide(&|e| e.content.span = on(date(2027, 3, 10)))), Reason::OutsideWindow);
    let mark = world.marks.mint(Role::Copy, planner.mapping_id(Side::To, &EventId::new("/b/9.ics")), &world.pair.from);
    assert_eq!(skipped(&decide(&|e| e.marker = Some(mark.clone()))), Reason::OwnCopy);
    let foreign = mark.replace("h1.", "h1.X");
    assert!(matches!(decide(&|e| e.marker = Some(foreign.clone())), Decision::Create(_)), "another deployment's mark is no mark");
}

#[test]
fn a_private_copy_shows_busy_and_the_time() {
    let world = world().private();
    let mut event = event();
    event.content.attendees = vec!["anna@example.org".into()];
    let Decision::Create(create) = world.planner().unknown(Side::From, &event, EventId::new("/b/x.ics"), None) else { panic!() };
    let copy = &create.draft.content;
    assert_eq!((copy.title.as_str(), copy.description.as_str(), copy.location.as_str()), ("Busy", "", ""));
    assert_eq!((copy.visibility, copy.attendees.len()), (Visibility::Private, 0));
    assert_eq!(copy.span, event.content.span);
}

#[test]
fn an_edit_of_the_origin_writes_the_copy_whole_while_it_is_pristine() {
    let world = world().one_way();
    let (mut mapping, origin, _) = world.synced(event());
    let seen = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let first = write(world.known(&mapping, seen.clone(), Seen::Unchanged));
    assert_eq!(fields(&first.copy), [Field::Title]);
    assert!(first.copy.unwrap().whole && first.origin.is_none());
    mapping.pristine = false;
    assert!(!write(world.known(&mapping, seen, Seen::Unchanged)).copy.unwrap().whole, "somebody's alarm may stand in it");
}

#[test]
fn an_echo_writes_nothing() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    for (origin, copy) in [
        (edited(&origin, "o2", |_| ()), Seen::Unchanged),
        (edited(&origin, "o1", |_| ()), edited(&copy, "c2", |_| ())),
        (edited(&origin, "o2", |e| e.content.title = "Review \u{20}".into()), Seen::Unchanged),
    ] {
        assert!(matches!(world.known(&mapping, origin, copy), Decision::Remember(_)));
    }
}

#[test]
fn a_copys_edit_flows_back_in_a_two_way_pair_and_nowhere_in_a_one_way_pair() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let seen = edited(&copy, "c2", |e| e.content.location = "Room 7".into());
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen.clone()));
    assert_eq!(fields(&flows.origin), [Field::Location]);
    assert!(flows.copy.is_none());
    let world = world.one_way();
    assert_eq!(skipped(&world.known(&mapping, Seen::Unchanged, seen)), Reason::CopyEdited);
}

#[test]
fn a_drifted_copy_is_put_right_by_a_full_pass_and_by_the_next_change() {
    let mut world = world().one_way();
    let (mapping, origin, copy) = world.synced(event());
    let Decision::Skip { remember: Some(drifted), .. } =
        world.known(&mapping, Seen::Unchanged, edited(&copy, "c2", |e| e.content.title = "Mine".into()))
    else {
        panic!()
    };
    assert!(drifted.drifted);
    let moved = write(world.known(&drifted, edited(&origin, "o2", |e| e.content.location = "Room 9".into()), Seen::Unchanged));
    assert!(fields(&moved.copy).contains(&Field::Title), "all of it, since what it shows is not known");
    world.full = true;
    assert!(write(world.known(&drifted, edited(&origin, "o1", |_| ()), Seen::Unchanged)).copy.is_some());
}

#[test]
fn disjoint_edits_merge_and_the_origin_wins_the_same_field() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let both = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| e.content.title = "Origin's".into()),
        edited(&copy, "c2", |e| {
            e.content.title = "Copy's".into();
            e.content.location = "Room 7".into();
        }),
    ));
    assert_eq!((fields(&both.origin), fields(&both.copy)), (vec![Field::Location], vec![Field::Title]));
    assert_eq!(both.copy.unwrap().draft.content.title, "Origin's");
}

#[test]
fn from_a_private_copy_only_times_flow_back() {
    let world = world().private();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Dentist".into());
    assert_eq!(skipped(&world.known(&mapping, edited(&origin, "o1", |_| ()), renamed)), Reason::CopyEdited);
    let moved = write(world.known(
        &mapping,
        edited(&origin, "o1", |_| ()),
        edited(&copy, "c2", |e| e.content.span = Span::Timed { start: at("2026-03-12T15:00"), end: at("2026-03-12T16:00") }),
    ));
    let change = moved.origin.unwrap();
    assert_eq!(change.parts.fields.into_iter().collect::<Vec<_>>(), [Field::Time]);
    assert_eq!(change.draft.content.title, "Review");
}

#[test]
fn deleted_origins_take_their_copies_unless_those_were_edited() {
    let world = world();
    let (mapping, _, copy) = world.synced(event());
    let gone = |decision| matches!(decision, Decision::Delete(delete) if delete.role == Role::Copy);
    assert!(gone(world.known(&mapping, Seen::Gone, Seen::Unchanged)));
    assert!(gone(world.known(&mapping, Seen::Gone, edited(&copy, "c2", |_| ()))), "an echo is no edit");
    let edit = edited(&copy, "c2", |e| e.content.title = "Kept".into());
    let Decision::Create(create) = world.known(&mapping, Seen::Gone, edit.clone()) else { panic!("the edit stands") };
    assert_eq!((create.role, create.draft.content.title.as_str()), (Role::Origin, "Kept"));
    assert!(matches!(world.known(&mapping, Seen::Gone, Seen::Gone), Decision::Forget(_)));
    assert!(gone(world.one_way().known(&mapping, Seen::Gone, edit)), "one-way: it goes all the same");
}

#[test]
fn deleted_copies_stay_deleted_until_time_or_title_changes() {
    let one = world().one_way();
    let (mapping, origin, _) = one.synced(event());
    let decision = one.known(&mapping, Seen::Unchanged, Seen::Gone);
    let Decision::Skip { reason: Reason::Suppressed, remember: Some(suppressed), .. } = decision else { panic!("{decision:?}") };
    let moved = edited(&origin, "o2", |e| e.content.location = "elsewhere".into());
    assert_eq!(skipped(&one.known(&suppressed, moved, Seen::Unchanged)), Reason::Suppressed);
    let renamed = edited(&origin, "o3", |e| e.content.title = "News".into());
    let Decision::Create(again) = one.known(&suppressed, renamed, Seen::Unchanged) else { panic!() };
    assert_eq!(again.mapping.generation, 1, "under a new name");
    assert!(matches!(one.known(&suppressed, Seen::Gone, Seen::Unchanged), Decision::Forget(_)));
}

#[test]
fn in_a_two_way_pair_a_deleted_copy_takes_its_origin_unless_that_was_edited() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let decision = world.known(&mapping, Seen::Unchanged, Seen::Gone);
    assert!(matches!(&decision, Decision::Delete(delete) if delete.role == Role::Origin && delete.etag.as_deref() == Some("o1")));
    let edited = edited(&origin, "o2", |e| e.content.busy = Busy::Free);
    assert!(matches!(world.known(&mapping, edited, Seen::Gone), Decision::Create(create) if create.role == Role::Copy));
}

#[test]
fn meetings_with_other_people_are_never_written_to_or_deleted() {
    let world = world();
    let mut meeting = event();
    meeting.content.attendees = vec!["anna@example.org".into()];
    meeting.organizer = Some(Organizer { email: "me@example.org".into(), is_me: true });
    let (mapping, origin, copy) = world.synced(meeting);
    assert!(copy.content.description.contains("anna@example.org"), "guests are shown in the text");
    let restored = write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", |e| e.content.title = "Mine".into())));
    assert!(restored.origin.is_none());
    assert_eq!((fields(&restored.copy), restored.reason), (vec![Field::Title], Some(Reason::HasGuests)));
    assert_eq!(skipped(&world.known(&mapping, Seen::Unchanged, Seen::Gone)), Reason::Suppressed);
    let guests =
        write(world.known(&mapping, edited(&origin, "o2", |e| e.content.attendees.push("ben@example.org".into())), Seen::Unchanged));
    assert_eq!(fields(&guests.copy), [Field::Description]);
}

#[test]
fn a_copy_to_which_its_owner_invited_people_is_left_alone() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let invited = edited(&copy, "c2", |e| e.content.attendees.push("ben@example.org".into()));
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let decision = world.known(&mapping, renamed, invited.clone());
    assert_eq!(skipped(&decision), Reason::HasGuests);
    let Decision::Skip { remember: Some(known), .. } = decision else { panic!() };
    for copy in [Seen::Unchanged, invited] {
        assert!(matches!(world.known(&known, Seen::Gone, copy), Decision::Forget(_)), "it stays when its origin goes");
    }
}

#[test]
fn our_own_unfinished_write_is_not_taken_for_an_edit() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let noted = write(world.known(&mapping, renamed, Seen::Unchanged)).intent();
    // The write arrived, the answer did not; then the origin was edited once more.
    let third = edited(&origin, "o3", |e| e.content.title = "Third".into());
    let arrived = edited(&copy, "c2", |e| e.content.title = "Second".into());
    let next = write(world.known(&noted, third, arrived));
    assert!(next.origin.is_none());
    assert_eq!(next.copy.unwrap().draft.content.title, "Third");
    // A person's edit in the meantime is still seen as one.
    let both = edited(&copy, "c3", |e| {
        e.content.title = "Second".into();
        e.content.location = "Room 1".into();
    });
    let next = write(world.known(&noted, edited(&origin, "o2", |e| e.content.title = "Second".into()), both));
    assert_eq!(fields(&next.origin), [Field::Location]);
}

#[test]
fn an_edit_that_is_about_to_flow_back_survives_a_crash_in_between() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Copy's".into());
    let moved = edited(&origin, "o2", |e| e.content.location = "Room 9".into());
    let noted = write(world.known(&mapping, moved.clone(), renamed.clone())).intent();
    let again = write(world.known(&noted, moved, renamed));
    assert_eq!((fields(&again.origin), fields(&again.copy)), (vec![Field::Title], vec![Field::Location]));
}

#[test]
fn values_that_the_other_side_cannot_show_come_back_unchanged() {
    let world = world();
    let mut away = event();
    away.content.busy = Busy::Oof;
    let (mapping, origin, copy) = world.synced(away);
    assert_eq!(copy.content.busy, Busy::Busy);
    let seen = edited(&copy, "c2", |e| e.content.title = "Away".into());
    let change = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen)).origin.unwrap();
    assert_eq!((change.parts.fields.len(), change.draft.content.busy), (1, Busy::Oof));
}

#[test]
fn a_conference_block_stays_with_its_owner() {
    let world = world();
    let mut meeting = event();
    meeting.content.description = TEAMS.into();
    let (mapping, origin, copy) = world.synced(meeting);
    assert_eq!(copy.content.description, "Agenda first.");
    let seen = edited(&copy, "c2", |e| e.content.description = "Agenda second.".into());
    let change = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen)).origin.unwrap();
    assert!(change.draft.content.description.starts_with("Agenda second."));
    assert!(change.draft.content.description.contains("teams.microsoft.com"));
}

#[test]
fn exceptions_of_different_occurrences_merge() {
    let world = world();
    let (mapping, origin, copy) = world.synced(weekly());
    let cancel = |event: &mut Event, at: &str| {
        event.series.as_mut().unwrap().exceptions.insert(start(at), Exception::Cancelled);
    };
    let both = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| cancel(e, "2026-03-19T09:00:00Z")),
        edited(&copy, "c2", |e| cancel(e, "2026-03-26T09:00:00Z")),
    ));
    let there = |change: &Option<Change>| change.as_ref().unwrap().parts.exceptions.iter().copied().collect::<Vec<_>>();
    assert_eq!(there(&both.origin), [start("2026-03-26T09:00:00Z")]);
    assert_eq!(there(&both.copy), [start("2026-03-19T09:00:00Z")]);
    assert_eq!(both.copy.unwrap().draft.series.unwrap().exceptions.len(), 2);
}

#[test]
fn a_private_series_gives_back_moved_occurrences_without_their_word() {
    let world = world().private();
    let (mapping, origin, copy) = world.synced(weekly());
    let put = |event: &mut Event, hour: &str, title: &str| {
        let mut content = event.content.clone();
        content.span = Span::Timed { start: at(&format!("2026-03-19T{hour}:00")), end: at(&format!("2026-03-19T{hour}:30")) };
        content.title = title.into();
        event.series.as_mut().unwrap().exceptions.insert(start("2026-03-19T09:00:00Z"), Exception::Changed(Box::new(content)));
    };
    let moved = write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", |e| put(e, "14", "Busy"))));
    let series = moved.origin.unwrap().draft.series.unwrap();
    let Some(Exception::Changed(content)) = series.exceptions.values().next() else { panic!() };
    assert_eq!(content.title, "Review");
}

#[test]
fn leaving_the_window_keeps_the_past_and_drops_the_far_future() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let mut later = origin.clone();
    later.etag = Some("o2".into());
    later.content.span = Span::AllDay { start: date(2028, 1, 1), end: date(2028, 1, 2) };
    let decision = world.known(&mapping, Seen::Event(Box::new(later)), Seen::Unchanged);
    assert!(matches!(decision, Decision::Delete(delete) if delete.reason == Reason::OutsideWindow));
    let mut past = world;
    past.now = "2026-09-10T12:00:00Z".parse().unwrap();
    let decision = past.known(&mapping, edited(&origin, "o1", |_| ()), Seen::Unchanged);
    assert!(matches!(decision, Decision::Remember(mapping) if mapping.state == State::Archived));
}

#[test]
fn two_programs_that_undo_each_other_are_stopped() {
    let world = world();
    let (mut mapping, origin, copy) = world.synced(event());
    let mut writes = 0;
    for turn in 0..20 {
        let title = if turn % 2 == 0 { "Theirs" } else { "Review" };
        let decision = world.known(
            &mapping,
            edited(&origin, &format!("o{turn}"), |e| e.content.title = title.into()),
            edited(&copy, &format!("c{turn}"), |e| e.content.title = if turn % 2 == 0 { "Review" } else { "Theirs" }.into()),
        );
        match decision {
            Decision::Write(write) => {
                writes += 1;
                mapping = write.mapping;
            }
            other => {
                assert_eq!(skipped(&other), Reason::Flapping);
                break;
            }
        }
    }
    assert_eq!(writes, 5);
}

#[test]
fn old_copies_are_taken_over_when_a_pair_is_made_anew() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let planner = world.planner();
    let adopt = |copy: &Event| planner.unknown(Side::From, &origin, mapping.copy.id.clone(), Some(copy));
    assert_eq!(skipped(&adopt(&copy)), Reason::Adopted);
    let Seen::Event(stale) = edited(&copy, "c9", |e| e.content.title = "Old".into()) else { panic!() };
    assert_eq!(fields(&write(adopt(&stale)).copy), [Field::Title]);
    let Seen::Event(theirs) = edited(&copy, "c9", |e| e.marker = None) else { panic!() };
    assert!(matches!(adopt(&theirs), Decision::Create(_)), "what bears no mark is not ours to take");
}

#[test]
fn what_flows_back_to_google_is_no_more_public_than_its_owner_had_it() {
    let world = world();
    let planner = Planner { kinds: [ProviderKind::Google, ProviderKind::Caldav], ..world.planner() };
    let Decision::Create(create) = planner.unknown(Side::From, &event(), EventId::new("/b/copy.ics"), None) else { panic!() };
    assert_eq!(create.draft.content.visibility, Visibility::Public, "CalDAV has no other word");
    let mut mapping = create.mapping;
    mapping.state = State::Live;
    let copy = Event { id: mapping.copy.id.clone(), content: create.draft.content, ..event() };
    let moved = edited(&copy, "c2", |e| e.content.location = "Room 6".into());
    let back = write(planner.known(&mapping, Seen::Event(Box::new(event())), moved)).origin.unwrap();
    assert_eq!((back.draft.content.visibility, &*back.draft.content.location), (Visibility::Default, "Room 6"));
    let opened = edited(&copy, "c3", |e| e.content.visibility = Visibility::Private);
    let back = write(planner.known(&mapping, Seen::Event(Box::new(event())), opened)).origin.unwrap();
    assert_eq!(back.draft.content.visibility, Visibility::Private);
    let Decision::Create(again) = planner.known(&mapping, Seen::Gone, edited(&copy, "c4", |e| e.content.title = "Kept".into())) else {
        panic!()
    };
    assert_eq!(again.draft.content.visibility, Visibility::Default, "made again from its copy");
}
