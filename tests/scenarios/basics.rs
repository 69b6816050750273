//! The first things that anybody tries.

use simulators::caldav::Manners;

use crate::world::{Terms, World};

const LUNCH: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:lunch\nDTSTAMP:20260301T000000Z\nDTSTART:20260312T110000Z\nDTEND:20260312T120000Z\nSUMMARY:Lunch\nLOCATION:Corner\nEND:VEVENT\nEND:VCALENDAR\n";

fn lines(agenda: Vec<simulators::agenda::Entry>) -> Vec<String> {
    agenda.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_pair_is_kept_in_step_and_then_quiet() -> anyhow::Result<()> {
    for manners in [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like(), Manners::icloud()] {
        let world = World::new([manners.clone(), manners.clone()], Terms { two_way: true, ..Terms::default() }).await?;
        let [from, to] = &world.calendars;
        from.put("lunch.ics", LUNCH);
        let run = world.sync().await;
        assert!(run.error.is_none() && run.created == 1, "{run:?}");
        assert_eq!(lines(to.agenda()), ["20260312T110000Z - 20260312T120000Z  Lunch  @ Corner"]);
        let copy = to.names()[0].clone();
        world.reset_counts();
        let run = world.sync().await;
        assert!(run.actions.is_empty(), "{run:?}");
        assert_eq!(world.writes(), [0, 0]);
        to.edit(&copy, |ics| ics.replace("SUMMARY:Lunch", "SUMMARY:Late lunch"));
        let run = world.sync().await;
        assert_eq!(run.changed, 1, "{run:?}");
        assert_eq!(lines(from.agenda()), ["20260312T110000Z - 20260312T120000Z  Late lunch  @ Corner"]);
        from.delete("lunch.ics");
        let run = world.sync().await;
        assert_eq!(run.deleted, 1, "{run:?}");
        assert!(to.is_empty());
        world.assert_nobody_was_harmed();
    }
    Ok(())
}
