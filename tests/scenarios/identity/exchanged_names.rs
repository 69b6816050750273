//! Names that servers give to other objects: a name is not enough to know a copy by.

use serde_json::json;
use simulators::caldav::Calendar;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{all_but, check_at_rest, copied, explained, named, titles};
use crate::support::events::hour;
use crate::support::rows::hours_pass;

/// Two objects of a calendar get each other's names.
fn exchange(calendar: &Calendar, one: &str, two: &str) {
    let objects = [one, two].map(|name| calendar.get(name).expect("it is there"));
    calendar.put(one, &objects[1]);
    calendar.put(two, &objects[0]);
}

#[tokio::test]
async fn copies_that_exchange_their_names_are_the_same_copies() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE] {
        for night in [0, 24] {
            let (env, _) = copied(4, terms).await?;
            let [anna, ben] = &env.people;
            let (before, names) = ([titles(anna), titles(ben)], ben.names());
            exchange(ben, &names[0], &names[1]);
            hours_pass(&env.cli, night).await?;
            let (_, run) = env.cli.sync_with(&["--full"]).await?;
            assert_eq!(
                (counts(&run)[..3].to_vec(), [titles(anna), titles(ben)]),
                (vec![0, 0, 0], before),
                "{terms:?}: {run}"
            );
            // Each goes with its own original.
            exchange(ben, &names[1], &names[2]);
            env.cli.sync().await?;
            for n in 0..3 {
                anna.delete(&format!("e{n}.ics"));
            }
            let run = env.cli.sync().await?;
            assert_eq!(counts(&run)[..3], [0, 0, 3], "{terms:?}: {run}");
            if terms != PRIVATE {
                assert_eq!(titles(ben), all_but(4, &[0, 1, 2]));
            }
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// A copy is deleted, and its owner's next event gets its name.
#[tokio::test]
async fn an_event_under_the_name_of_a_copy_is_its_owners() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE, &["--two-way", "--private-back"]] {
        let (env, pair) = copied(4, terms).await?;
        let [anna, ben] = &env.people;
        let start = anna
            .agenda()
            .iter()
            .find(|entry| entry.name == "e1.ics")
            .map(|entry| entry.start())
            .expect("it is there");
        let name = ben
            .agenda()
            .iter()
            .find(|entry| entry.start() == start)
            .expect("its copy")
            .name
            .clone();
        ben.put(&name, &hour("own", 9, 15, "My own secret"));
        let own = ben.get(&name);
        let is_source = terms.contains(&"--two-way");
        for (hours, arguments) in [(0, &[][..]), (24, &[]), (1, &["--full"]), (24, &[])] {
            hours_pass(&env.cli, hours).await?;
            env.cli.sync_with(arguments).await?;
            assert_eq!(ben.get(&name), own, "{terms:?} {arguments:?}");
        }
        assert!(named(anna, "Event 1").is_ok(), "{terms:?}");
        assert_eq!(named(anna, "My own secret").is_ok(), terms == TWO_WAY, "{terms:?}");
        assert_eq!(anna.len(), 4 + usize::from(is_source));
        assert_eq!(explained(&env.cli, &pair, "e1.ics").await?, json!("suppressed"), "{terms:?}");
        anna.delete("e1.ics");
        env.cli.sync().await?;
        assert_eq!(ben.get(&name), own, "{terms:?}: with the original");
        check_at_rest(&env).await?;
    }
    Ok(())
}
