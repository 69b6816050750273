//! The first steps of a new user.

use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::env_checks::assert_at_rest;
use crate::support::installation::Terms;

const LUNCH: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:lunch\nDTSTAMP:20260301T000000Z\nDTSTART:20260312T110000Z\nDTEND:20260312T120000Z\nSUMMARY:Lunch\nLOCATION:Corner\nEND:VEVENT\nEND:VCALENDAR\n";

fn lines(agenda: Vec<simulators::agenda::Entry>) -> Vec<String> {
    agenda.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_pair_is_kept_in_step_and_then_quiet() -> anyhow::Result<()> {
    for manners in
        [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like(), Manners::icloud()]
    {
        let env = Builder::caldav_each([manners.clone(), manners.clone()])
            .terms(Terms { two_way: true, ..Terms::default() })
            .build()
            .await?;
        let [from, to] = &env.people;
        from.put("lunch.ics", LUNCH);
        let run = env.sync().await;
        assert!(run.error.is_none() && run.created == 1, "{run:?}");
        assert_eq!(lines(to.agenda()), ["20260312T110000Z - 20260312T120000Z  Lunch  @ Corner"]);
        let copy = to.names()[0].clone();
        env.reset_counts();
        let run = env.sync().await;
        assert!(run.actions.is_empty(), "{run:?}");
        assert_eq!(env.writes(), [0, 0]);
        to.edit(&copy, |ics| ics.replace("SUMMARY:Lunch", "SUMMARY:Late lunch"));
        let run = env.sync().await;
        assert_eq!(run.changed, 1, "{run:?}");
        assert_eq!(
            lines(from.agenda()),
            ["20260312T110000Z - 20260312T120000Z  Late lunch  @ Corner"]
        );
        from.delete("lunch.ics");
        let run = env.sync().await;
        assert_eq!(run.deleted, 1, "{run:?}");
        assert!(to.is_empty());
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// A calendar may hold tasks beside its events, and a server may list them: they are no events, and
/// no reason to read again and again.
#[tokio::test]
async fn a_task_among_the_events_is_passed_over() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    let [from, to] = &env.people;
    from.put("lunch.ics", LUNCH);
    env.sync().await;
    from.put("task.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VTODO\nUID:task\nDTSTAMP:20260301T000000Z\nSUMMARY:Tidy up\nEND:VTODO\nEND:VCALENDAR\n");
    let run = env.sync().await;
    assert!(run.error.is_none() && run.actions.is_empty(), "{run:?}");
    env.reset_counts();
    env.sync().await;
    assert_eq!(env.servers[0].counts().total(), 1, "nothing is new, and that is one question");
    assert_eq!(to.len(), 1);
    Ok(())
}

/// Reading ahead and writing share the few turns that an account has. Neither may wait for the
/// other for ever.
#[tokio::test]
async fn a_first_pass_over_many_events_ends_also_where_two_requests_at_once_are_allowed()
-> anyhow::Result<()> {
    let terms = Terms { two_way: true, ..Terms::default() };
    let env =
        Builder::caldav_each([Manners::icloud(), Manners::icloud()]).terms(terms).build().await?;
    for side in [0, 1] {
        for i in 0..160 {
            let ics = LUNCH.replace("UID:lunch", &format!("UID:{side}-{i}"));
            env.people[side].put(&format!("{side}-{i}.ics"), &ics);
        }
    }
    let run = tokio::time::timeout(std::time::Duration::from_secs(60), env.sync()).await?;
    assert_eq!((run.created, run.error.is_none()), (320, true));
    assert_eq!((env.people[0].len(), env.people[1].len()), (320, 320));
    Ok(())
}
