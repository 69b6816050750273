//! Syncing between real servers, both ways round, by the command line (I2-I6, I9, L1, L3, L6, L7,
//! X).
//!
//! Each scenario counts the servers' requests at the proxies before them.

pub mod week;

use simulators::traffic::Kind as Asked;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, actions, counts};
use crate::support::cli_env::lines;
use crate::support::events::{at, hour, many};
use crate::support::servers::Provider::{self, Radicale, Xandikos};

const BOTH: [(Provider, Provider); 2] = [(Radicale, Xandikos), (Xandikos, Radicale)];

/// I2, I5, L1, L3, L7, X: the week of a person arrives whole on the other server, and only what may
/// arrive.
#[tokio::test]
async fn a_week_of_events_is_copied_one_way() -> anyhow::Result<()> {
    for (from, to) in BOTH {
        let env = Builder::providers([from, to]).build_cli().await?;
        env.pair(ONE_WAY).await?;
        for (name, object) in week::events() {
            env.people[0].put(&name, &object).await?;
        }
        env.people[1].put("own.ics", &hour("own", 3, 9, "Their own")).await?;
        let before = env.people[0].objects().await?;

        let preview = env.cli.dry_run().await?;
        assert_eq!(env.people[1].objects().await?.len(), 1, "a dry run writes nothing");
        let (run, asked) = env.sync().await?;
        assert_eq!(actions(&preview), actions(&run), "the pass does what its preview showed");
        assert_eq!(counts(&run), [week::events().len() as u64, 0, 0, 0], "{run}");
        assert_eq!(
            asked[1].writes(),
            week::events().len() as u64,
            "one write an event: {}",
            asked[1]
        );
        assert_eq!(asked[0].writes(), 0, "one-way: {}", asked[0]);
        assert_eq!(
            env.people[0].objects().await?,
            before,
            "one-way: not a byte changes at the origin"
        );

        week::assert_copied(&env.people[0], &env.people[1]).await?;
        assert!(lines(&env.people[1]).await?.iter().any(|line| line.contains("Their own")));

        let (run, asked) = env.sync().await?;
        assert!(actions(&run).is_empty() && asked.iter().all(|asked| asked.writes() == 0), "{run}");
        let (_, [one, two]) = env.sync().await?;
        assert_eq!(
            (one.total(), two.total()),
            (1, 1),
            "one question a home when nothing happened: {one}; {two}"
        );
    }
    Ok(())
}

/// I5, I6, L1: edits and deletions follow, one-way; what is done to a copy is not written back.
#[tokio::test]
async fn edits_and_deletions_follow_one_way() -> anyhow::Result<()> {
    for (from, to) in BOTH {
        let env = Builder::providers([from, to]).build_cli().await?;
        env.pair(ONE_WAY).await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(4) {
            anna.put(&name, &object).await?;
        }
        env.sync().await?;
        let sequence = |agenda: Vec<simulators::agenda::Entry>| {
            agenda[0].value("SEQUENCE").parse::<u32>().unwrap_or(0)
        };
        let mut last = sequence(ben.agenda().await?);
        for title in ["Once more", "And again"] {
            anna.edit("e0.ics", |ics| week::with(ics, "SUMMARY", title)).await?;
            let (run, asked) = env.sync().await?;
            assert_eq!((counts(&run), asked[1].writes()), ([0, 1, 0, 0], 1), "{run}");
            let now = sequence(ben.agenda().await?);
            assert!(now > last, "SEQUENCE rises on each update: {last}, {now}");
            last = now;
        }
        anna.delete("e1.ics").await?;
        let (run, _) = env.sync().await?;
        assert_eq!(counts(&run), [0, 0, 1, 0], "{run}");
        assert_eq!(run["actions"][0]["reason"], "origin_deleted");
        let [ours, theirs] = env.agendas().await?;
        assert_eq!(ours, theirs);
        // Ben moves one copy and deletes another: Anna's calendar stays as it is.
        let names: Vec<String> = ben.objects().await?.into_iter().map(|(name, _)| name).collect();
        let before = anna.objects().await?;
        ben.edit(&names[0], |ics| week::with(ics, "SUMMARY", "Ben's own word")).await?;
        ben.delete(&names[1]).await?;
        let (run, asked) = env.sync().await?;
        assert_eq!((asked[0].writes(), asked[1].writes()), (0, 0), "{run}");
        assert_eq!(anna.objects().await?, before);
        let reasons: Vec<&str> = run["actions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|action| action["reason"].as_str())
            .collect();
        assert!(reasons.contains(&"copy_edited") && reasons.contains(&"suppressed"), "{run}");
    }
    Ok(())
}

/// I5, I6, L1, L5: a two-way pair carries edits, new events and deletions in both directions, and
/// is quiet afterwards.
#[tokio::test]
async fn two_way_both_people_edit() -> anyhow::Result<()> {
    for (from, to) in BOTH {
        let env = Builder::providers([from, to]).build_cli().await?;
        env.pair(TWO_WAY).await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(3) {
            anna.put(&name, &object).await?;
        }
        ben.put("bread.ics", &hour("bread", 5, 7, "Bread")).await?;
        let (run, _) = env.sync().await?;
        assert_eq!(counts(&run), [4, 0, 0, 0], "{run}");
        let [ours, theirs] = env.agendas().await?;
        assert_eq!(ours, theirs);

        // Ben moves the copy of one event, Anna renames the copy of his; each deletes something of
        // the other's.
        let copy_of = |agenda: Vec<simulators::agenda::Entry>, title: &str| {
            agenda
                .iter()
                .find(|entry| entry.summary() == title)
                .map(|entry| entry.name.clone())
                .expect("it was copied")
        };
        let moved = copy_of(ben.agenda().await?, "Event 0");
        ben.edit(&moved, |ics| {
            week::with(&week::with(ics, "DTSTART", &at(4, 18)), "DTEND", &at(4, 20))
        })
        .await?;
        let renamed = copy_of(anna.agenda().await?, "Bread");
        anna.edit(&renamed, |ics| week::with(ics, "SUMMARY", "Bread and butter")).await?;
        ben.delete(&copy_of(ben.agenda().await?, "Event 1")).await?;
        let (run, _) = env.sync().await?;
        assert_eq!(counts(&run), [0, 2, 1, 0], "{run}");
        let [ours, theirs] = env.agendas().await?;
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 3);
        assert!(
            ours.iter().any(|line| line.starts_with(&format!(
                "{} - {}  Event 0",
                at(4, 18),
                at(4, 20)
            ))),
            "{ours:?}"
        );
        assert!(ours.iter().any(|line| line.contains("Bread and butter")), "{ours:?}");
        env.sync().await?;
        let (run, asked) = env.sync().await?;
        assert!(
            actions(&run).is_empty() && asked.iter().all(|asked| asked.total() == 1),
            "quiet: {run}"
        );
    }
    Ok(())
}

/// I7, L9: a private copy says "Busy" and the time; a moved copy moves its origin, and "Busy" never
/// comes back.
#[tokio::test]
async fn private_copies_tell_nothing() -> anyhow::Result<()> {
    for (from, to) in BOTH {
        let env = Builder::providers([from, to]).build_cli().await?;
        env.pair(&[TWO_WAY, PRIVATE].concat()).await?;
        let [anna, ben] = &env.people;
        for (name, object) in week::events() {
            anna.put(&name, &object).await?;
        }
        let (run, _) = env.sync().await?;
        assert_eq!(run["created"], week::events().len(), "{run}");
        for (_, object) in ben.objects().await? {
            week::assert_tells_nothing(&object);
        }
        let before = lines(anna).await?;
        let copy = ben
            .agenda()
            .await?
            .into_iter()
            .find(|entry| entry.start() == at(2, 9))
            .expect("the plain one")
            .name;
        ben.edit(&copy, |ics| {
            week::with(&week::with(ics, "DTSTART", &at(2, 13)), "DTEND", &at(2, 14))
        })
        .await?;
        let (run, _) = env.sync().await?;
        assert_eq!(counts(&run), [0, 1, 0, 0], "{run}");
        let after = lines(anna).await?;
        let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
        let come: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!((gone.len(), come.len()), (1, 1), "{gone:?} {come:?}");
        assert!(come[0].starts_with(&format!("{} - {}  Plain", at(2, 13), at(2, 14))), "{come:?}");
        assert!(!after.iter().any(|line| line.contains("Busy")), "{after:?}");
    }
    Ok(())
}

/// I3, I6: ten changes cost one listing and one reading on one side, and ten writes on the other.
#[tokio::test]
async fn ten_changes_cost_ten_writes() -> anyhow::Result<()> {
    for (from, to) in BOTH {
        let env = Builder::providers([from, to]).build_cli().await?;
        env.pair(ONE_WAY).await?;
        for (name, object) in many(30) {
            env.people[0].put(&name, &object).await?;
        }
        let (_, asked) = env.sync().await?;
        assert_eq!(asked[1].of(Asked::Put), 30, "{}", asked[1]);
        env.sync().await?;
        for n in 0..10 {
            env.people[0]
                .edit(&format!("e{n}.ics"), |ics| week::with(ics, "SUMMARY", "Another title"))
                .await?;
        }
        let (_, [one, two]) = env.sync().await?;
        let of = [Asked::Propfind, Asked::SyncCollection, Asked::Multiget].map(|kind| one.of(kind));
        assert_eq!((of, one.total()), ([1, 1, 1], 3), "{one}");
        assert_eq!(
            (two.of(Asked::Propfind), two.of(Asked::Put), two.total()),
            (1, 10, 11),
            "{two}"
        );
    }
    Ok(())
}
