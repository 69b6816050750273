//! Comparisons of calendars with given content.

use std::sync::Mutex;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Cursor, StateTag};
use engine::event::{Busy, Content, Event, Span, Stamps, Visibility};
use jiff::civil::date;
use providers::{Answering, ChangeSet, CollectionState, Edit, Fetched, NewCopy, Version, Written};

use super::*;

/// Name, version and UID of each event. Each listing takes the first of several states; the last
/// state stays.
type State = Vec<(&'static str, Option<&'static str>, Option<&'static str>)>;

struct Server {
    /// The path of the calendars.
    prefix: &'static str,
    calendars: Vec<(&'static str, Mutex<Vec<State>>)>,
    listings: Mutex<usize>,
}

impl Server {
    fn with(prefix: &'static str, calendars: &[(&'static str, &[State])]) -> Self {
        let calendars =
            calendars.iter().map(|(name, states)| (*name, Mutex::new(states.to_vec()))).collect();
        Self { prefix, calendars, listings: Mutex::default() }
    }

    /// A server with one calendar that never changes.
    fn of(state: State) -> Self {
        Self::with("/dav/", &[("work", &[state])])
    }

    fn states(&self, address: &str) -> &Mutex<Vec<State>> {
        &self.calendars.iter().find(|(name, _)| *name == last_segment(address)).unwrap().1
    }

    fn view(&self) -> CalendarView<'_> {
        CalendarView { provider: self, address: "/dav/work/" }
    }
}

fn event(uid: &str) -> Event {
    let span = Span::AllDay { start: date(2026, 4, 1), end: date(2026, 4, 2) };
    let [title, description, location] = [(); 3].map(|()| String::new());
    let content = Content {
        span,
        title,
        description,
        location,
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    };
    Event {
        id: EventId::new("x"),
        uid: uid.into(),
        etag: None,
        sequence: 0,
        content,
        series: None,
        organizer: None,
        others: false,
        cancelled: false,
        declined: false,
        marker: None,
        stamps: Stamps::default(),
        updated: None,
        zone_guessed: false,
    }
}

#[async_trait]
impl Provider for Server {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        let calendar = |name: &str| RemoteCalendar {
            address: format!("{}{name}/", self.prefix),
            name: name.into(),
            writable: true,
            zone: None,
            owned_at: None,
        };
        Ok(self.calendars.iter().map(|(name, _)| calendar(name)).collect())
    }

    async fn list_changes(
        &self,
        address: &str,
        since: Since<'_>,
        _: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        assert!(matches!(since, Since::Everything));
        *self.listings.lock().unwrap() += 1;
        let mut states = self.states(address).lock().unwrap();
        let state = if states.len() > 1 { states.remove(0) } else { states[0].clone() };
        let line = |(name, etag, _): &(&str, Option<&str>, Option<&str>)| Listed::Present {
            id: EventId::new(*name),
            etag: etag.map(str::to_owned),
            event: None,
        };
        let gone = Listed::Removed { id: EventId::new("gone.ics") };
        Ok(ChangeSet::new(state.iter().map(line).chain([gone]).collect(), Cursor(String::new())))
    }

    async fn ask(&self, _: &str) -> Result<Answering> {
        Ok(Answering { writable: true })
    }

    async fn fetch(&self, address: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        assert!(ids.len() <= self.batch());
        let states = self.states(address).lock().unwrap();
        let found = |id: &EventId| match states[0].iter().find(|(name, ..)| id.as_str() == *name) {
            Some((_, _, Some("?"))) => Found::Unreadable { etag: None, why: "odd".into() },
            Some((_, _, Some(uid))) => Found::Event(Box::new(event(uid))),
            _ => Found::NotFound,
        };
        Ok(ids.iter().map(|id| Fetched { id: id.clone(), found: found(id) }).collect())
    }

    fn batch(&self) -> usize {
        20
    }

    async fn collection_states(&self, _: &[String]) -> Result<Vec<CollectionState>> {
        Err(Error::Gone)
    }
    fn is_current(&self, _: &Cursor, _: &StateTag) -> bool {
        false
    }
    fn parallel_writes(&self) -> usize {
        1
    }
    async fn absence(&self, _: &str, _: &EventId) -> Result<Option<engine::change::Absence>> {
        Err(Error::Gone)
    }
    fn id_of_copy(&self, _: &str, _: &str) -> Option<EventId> {
        None
    }
    async fn create(&self, _: &str, _: &NewCopy<'_>) -> Result<Written> {
        panic!("nothing is written")
    }
    async fn rewrite(&self, _: &str, _: &EventId, _: &Version, _: &NewCopy<'_>) -> Result<Written> {
        panic!("nothing is written")
    }
    async fn edit(&self, _: &str, _: &EventId, _: &Version, _: &Edit<'_>) -> Result<Written> {
        panic!("nothing is written")
    }
    async fn delete(&self, _: &str, _: &EventId, _: Option<&str>) -> Result<()> {
        panic!("nothing is written")
    }
}

const A: (&str, Option<&str>, Option<&str>) = ("a.ics", Some("\"1\""), Some("uid-a"));
const B: (&str, Option<&str>, Option<&str>) = ("b.ics", Some("\"2\""), Some("uid-b"));

async fn likeness(one: State, other: State) -> Comparison {
    let servers = [Server::of(one), Server::of(other)];
    compare_calendars(servers[0].view(), servers[1].view()).await.unwrap()
}

#[tokio::test]
async fn the_same_events_in_the_same_versions_are_one_calendar() {
    assert_eq!(likeness(vec![A, B], vec![B, A]).await, Comparison::Same);
    assert_eq!(
        likeness(vec![A], vec![("a.ics", Some("W/\"1-gzip\""), A.2)]).await,
        Comparison::Same,
        "compared weakly"
    );
    for other in
        [vec![], vec![A], vec![A, ("b.ics", Some("\"3\""), B.2)], vec![A, ("c.ics", B.1, B.2)]]
    {
        assert_eq!(likeness(vec![A, B], other.clone()).await, Comparison::Unproven, "{other:?}");
    }
}

#[tokio::test]
async fn empty_calendars_and_missing_versions_prove_nothing() {
    assert_eq!(likeness(vec![], vec![]).await, Comparison::Empty);
    let unversioned = vec![A, ("b.ics", None, B.2)];
    assert_eq!(likeness(unversioned.clone(), unversioned).await, Comparison::Unproven);
}

#[tokio::test]
async fn uids_have_to_agree_and_one_has_to_be_read() {
    let other = |uid| vec![A, ("b.ics", B.1, uid)];
    assert_eq!(
        likeness(vec![A, B], other(Some("uid-c"))).await,
        Comparison::Unproven,
        "two servers count their versions alike"
    );
    assert_eq!(likeness(vec![A, B], other(Some("?"))).await, Comparison::Unproven);
    assert_eq!(
        likeness(other(Some("?")), other(Some("?"))).await,
        Comparison::Same,
        "what neither can read is no difference"
    );
    let odd = vec![("a.ics", A.1, Some("?")), ("b.ics", B.1, None)];
    assert_eq!(likeness(odd.clone(), odd).await, Comparison::Unproven);
}

#[tokio::test]
async fn a_sample_of_a_large_calendar_is_read() {
    const NAMES: usize = 260;
    let names: Vec<&'static str> = (0..NAMES).map(|n| &*format!("e{n:03}.ics").leak()).collect();
    let state: State = names.iter().map(|name| (*name, Some("1"), Some(*name))).collect();
    assert_eq!(likeness(state.clone(), state.clone()).await, Comparison::Same);
    let shown = list(Server::of(state.clone()).view()).await.unwrap();
    let sample = shown.sample();
    assert!((SAMPLE_SIZE / 2..=SAMPLE_SIZE).contains(&sample.len()), "{}", sample.len());
    assert!(
        sample[0] == "e000.ics" && sample[sample.len() - 1].as_str() > "e250.ics",
        "from all of it"
    );
    let other: State =
        state.into_iter().map(|(name, etag, _)| (name, etag, Some("another"))).collect();
    assert_eq!(
        likeness(names.iter().map(|name| (*name, Some("1"), Some(*name))).collect(), other).await,
        Comparison::Unproven
    );
}

#[tokio::test]
async fn listings_that_differ_are_read_once_more() {
    let edited = ("a.ics", Some("\"9\""), A.2);
    let twice = async |states: &[State], other: State| {
        let servers = [Server::with("/dav/", &[("work", states)]), Server::of(other)];
        let likeness = compare_calendars(servers[0].view(), servers[1].view()).await.unwrap();
        let listings = *servers[0].listings.lock().unwrap();
        (likeness, listings)
    };
    assert_eq!(
        twice(&[vec![edited, B], vec![A, B]], vec![A, B]).await,
        (Comparison::Same, 2),
        "its owner was at work"
    );
    assert_eq!(twice(&[vec![], vec![A]], vec![A]).await, (Comparison::Same, 2));
    let many = vec![A; 1]
        .into_iter()
        .chain((0..MAX_NEW_EVENTS).map(|n| (&*format!("m{n}.ics").leak(), A.1, A.2)))
        .collect();
    assert_eq!(
        twice(&[vec![], vec![A]], many).await,
        (Comparison::Unproven, 1),
        "a whole calendar"
    );
    assert_eq!(twice(&[vec![edited, B]], vec![A, B]).await, (Comparison::Unproven, 2));
    assert_eq!(
        twice(&[vec![A]], vec![B]).await,
        (Comparison::Unproven, 1),
        "nothing in common: no moment makes that"
    );
}

#[tokio::test]
async fn an_account_is_proven_by_all_of_its_calendars() {
    let server = |prefix, calendars: &[(&'static str, State)]| {
        let calendars: Vec<(&'static str, Vec<State>)> =
            calendars.iter().map(|(name, state)| (*name, vec![state.clone()])).collect();
        Server::with(
            prefix,
            &calendars.iter().map(|(name, states)| (*name, states.as_slice())).collect::<Vec<_>>(),
        )
    };
    let one = server("/dav/", &[("work", vec![A]), ("home", vec![])]);
    for (other, same) in [
        (server("/cloud/dav/", &[("home", vec![]), ("work", vec![A])]), true),
        (server("/dav/", &[("home", vec![B]), ("work", vec![A])]), false),
        (server("/dav/", &[("home", vec![]), ("work", vec![])]), false),
        (server("/dav/", &[("work", vec![A])]), false),
        (server("/dav/", &[("work", vec![A]), ("home", vec![]), ("more", vec![])]), false),
        (server("/dav/", &[("work", vec![A]), ("other", vec![])]), false),
        (server("/dav/", &[]), false),
    ] {
        assert_eq!(is_same_account(&one, &other).await.unwrap(), same);
    }
    let [empty, also] = [(); 2].map(|()| server("/dav/", &[("work", vec![]), ("home", vec![])]));
    assert!(!is_same_account(&empty, &also).await.unwrap(), "two empty ones prove nothing");
    let [none, neither] = [(); 2].map(|()| server("/dav/", &[]));
    assert!(!is_same_account(&none, &neither).await.unwrap());
}

#[tokio::test]
async fn a_calendar_is_known_by_what_is_remembered_of_it() {
    const NAMES: [&str; 20] = [
        "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14",
        "15", "16", "17", "18", "19",
    ];
    let known = |uid: fn(&str) -> Option<UidHash>| -> BTreeMap<String, KnownEvent> {
        NAMES
            .iter()
            .map(|name| ((*name).to_owned(), KnownEvent { etag: "W/\"1\"".into(), uid: uid(name) }))
            .collect()
    };
    let state = |count: usize| -> State {
        NAMES[..count].iter().map(|name| (*name, Some("\"1\""), Some(*name))).collect()
    };
    let is = async |state: State, known| {
        matches_known_events(Server::of(state).view(), &known).await.unwrap()
    };
    assert!(is(state(20), known(UidHash::of)).await);
    assert!(
        is([state(20), vec![A, B]].concat(), known(UidHash::of)).await,
        "more than a pair has seen"
    );
    assert!(
        is(state(18), known(UidHash::of)).await && !is(state(17), known(UidHash::of)).await,
        "nine in ten"
    );
    let edited = |count: usize| -> State {
        [
            NAMES[..count].iter().map(|name| (*name, Some("2"), Some(*name))).collect(),
            state(20)[count..].to_vec(),
        ]
        .concat()
    };
    assert!(is(edited(2), known(UidHash::of)).await && !is(edited(3), known(UidHash::of)).await);
    assert!(!is(state(20), known(|_| UidHash::of("another"))).await);
    assert!(!is(state(20), known(|_| None)).await, "nothing to compare");
    assert!(!is(vec![], known(UidHash::of)).await && !is(vec![A, B], known(UidHash::of)).await);
}

#[test]
fn calendars_correspond_one_to_one_or_not_at_all() {
    let all = |addresses: &[&str]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (mine, theirs) = (all(&["/a/work/", "/b/home/"]), all(&["/x/home/", "/x/work"]));
    assert_eq!(
        match_calendars(&mine, &theirs),
        Some(vec![("/b/home/", "/x/home/"), ("/a/work/", "/x/work")])
    );
    assert_eq!(match_calendars(&all(&["/a/work/", "/b/work/"]), &all(&["/a/work/"])), None);
    assert_eq!(match_calendars(&all(&["/a/work/"]), &all(&["/a/work/", "/b/work/"])), None);
}
