//! A person's own event that is written to keeps every byte which is not ours, and a person's
//! guests are left alone (I5, I6, X, L9).

use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::{DRY, assert_at_rest, did, reasons};
use crate::support::events::{calendar, object};
use crate::support::installation::{TWO_WAY, Terms};

const BY_HAND: &str = "X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=\"Harbour: \
3\":geo:59.4,24.7\nX-Custom-Thing;x=y:Kept \\, as it is\nCATEGORIES:WORK,\n \
HOME\nCOLOR:turquoise\nATTACH;FMTTYPE=text/plain:https://example.org/a.txt\nURL:https://example.org/\nPRIORITY:3\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Now\nTRIGGER:-PT10M\nX-WR-ALARMUID:A-1\nEND:VALARM";

fn dinner() -> String {
    let lines = format!(
        "DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Dinner\nDESCRIPTION:Bring \
        wine\n{BY_HAND}"
    );
    object("dinner", &lines).replace("VERSION:2.0\n", "VERSION:2.0\nX-WR-CALNAME:Anna's own\n")
}

/// The lines that one text has and the other has not.
fn only_in(one: &str, other: &str) -> Vec<String> {
    one.lines()
        .filter(|line| !other.lines().any(|known| known == *line))
        .map(str::to_owned)
        .collect()
}

async fn copied(object: &str, terms: Terms) -> anyhow::Result<(Env, String)> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    env.people[0].put("dinner.ics", object);
    assert_eq!(did(&env.sync().await), [1, 0, 0]);
    let copy = env.people[1].names().remove(0);
    Ok((env, copy))
}

#[tokio::test]
async fn an_edit_that_flows_back_changes_its_own_lines_only() -> anyhow::Result<()> {
    let (env, copy) = copied(&dinner(), TWO_WAY).await?;
    let [anna, ben] = &env.people;
    let before = anna.get("dinner.ics").unwrap_or_default();
    ben.edit(&copy, |ics| {
        ics.replace("SUMMARY:Dinner", "SUMMARY:Late dinner").replace("T180000Z", "T190000Z")
    });
    let run = env.sync().await;
    assert_eq!(did(&run), [0, 1, 0], "{run:?}");
    let after = anna.get("dinner.ics").unwrap_or_default();
    let gone: Vec<String> = only_in(&before, &after);
    let come = only_in(&after, &before);
    let names = |lines: &[String]| {
        lines
            .iter()
            .map(|line| line.split([':', ';']).next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    for name in names(&gone).iter().chain(&names(&come)) {
        assert!(
            ["SUMMARY", "DTSTART", "SEQUENCE", "LAST-MODIFIED", "DTSTAMP"].contains(&name.as_str()),
            "{name} is not ours: {gone:?} {come:?}"
        );
    }
    assert!(
        come.contains(&"SUMMARY:Late dinner".to_owned())
            && come.contains(&"DTSTART:20260320T190000Z".to_owned()),
        "{come:?}"
    );
    assert!(come.contains(&"SEQUENCE:1".to_owned()), "{come:?}");
    assert_at_rest(&env).await;
    Ok(())
}

/// The joining details of a meeting are not in the copy, and an edit of the copy's text does not
/// take them from the origin.
#[tokio::test]
async fn joining_details_stay_with_their_owner() -> anyhow::Result<()> {
    let link = "https://teams.microsoft.com/l/meetup-join/19%3ax";
    let text = format!(
        "Bring wine.\\n________________________________________________________________________________\\nMicrosoft Teams meeting\\nJoin: {link}\\nMeeting options\\n________________________________________________________________________________"
    );
    let folded: String = text
        .chars()
        .collect::<Vec<_>>()
        .chunks(60)
        .map(|part| part.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("\n ");
    let meeting = object(
        "dinner",
        &format!(
            "DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Dinner\nDESCRIPTION:{folded}"
        ),
    );
    let (env, copy) = copied(&meeting, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    assert_eq!(ben.agenda()[0].text("DESCRIPTION"), "Bring wine.");
    ben.edit(&copy, |ics| ics.replace("DESCRIPTION:Bring wine.", "DESCRIPTION:Bring bread."));
    assert_eq!(did(&env.sync().await), [0, 1, 0]);
    let now = anna.agenda()[0].text("DESCRIPTION");
    assert!(now.starts_with("Bring bread.") && now.contains(link), "{now}");
    assert_eq!(ben.agenda()[0].text("DESCRIPTION"), "Bring bread.");
    assert_at_rest(&env).await;
    Ok(())
}

/// A meeting with attendees is never written to: an edit of its copy is reverted, and no attendee
/// is mailed.
#[tokio::test]
async fn a_meeting_with_guests_is_never_written_to() -> anyhow::Result<()> {
    for organizer in ["anna@calendars.example", "chief@example.net"] {
        let guests = format!(
            "ORGANIZER:mailto:{organizer}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@calendars.example\nATTENDEE:mailto:zoe@example.net"
        );
        let meeting = object(
            "dinner",
            &format!("DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Dinner\n{guests}"),
        );
        let (env, copy) = copied(&meeting, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        let before = anna.get("dinner.ics");
        ben.edit(&copy, |ics| {
            ics.replace("SUMMARY:Dinner", "SUMMARY:Moved by Ben").replace("T180000Z", "T190000Z")
        });
        let preview = env.sync_with(DRY).await;
        let run = env.sync().await;
        assert_eq!((run.changed, reasons(&run)), (1, vec!["has_guests".to_owned()]), "{run:?}");
        assert_eq!(preview.actions, run.actions);
        assert_eq!(anna.get("dinner.ics"), before);
        let seen = &ben.agenda()[0];
        assert_eq!(
            (seen.summary(), seen.start()),
            ("Dinner".to_owned(), "20260320T180000Z".to_owned()),
            "the copy shows it as it is"
        );
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// L9: on a private two-way pair the time of a copy counts, and nothing else that is written there.
#[tokio::test]
async fn busy_never_overwrites_a_title() -> anyhow::Result<()> {
    let (env, copy) = copied(&dinner(), Terms { private: true, ..TWO_WAY }).await?;
    let [anna, ben] = &env.people;
    let before = anna.get("dinner.ics").unwrap_or_default();
    assert_eq!(ben.agenda()[0].to_string(), "20260320T180000Z - 20260320T200000Z  Busy  [PRIVATE]");
    ben.edit(&copy, |ics| {
        ics.replace("SUMMARY:Busy", "SUMMARY:Ben's guess\r\nLOCATION:Somewhere\r\nDESCRIPTION:More")
    });
    let run = env.sync().await;
    assert_eq!((did(&run), reasons(&run)), ([0, 0, 0], vec!["copy_edited".to_owned()]), "{run:?}");
    assert_eq!(anna.get("dinner.ics").as_deref(), Some(before.as_str()), "not a byte");
    ben.edit(&copy, |ics| ics.replace("DTSTART:20260320T18", "DTSTART:20260320T19"));
    assert_eq!(env.sync().await.changed, 2, "the origin is moved, and the copy put right");
    assert_eq!(ben.agenda()[0].to_string(), "20260320T190000Z - 20260320T200000Z  Busy  [PRIVATE]");
    assert_eq!(
        (anna.agenda()[0].summary(), anna.agenda()[0].start()),
        ("Dinner".into(), "20260320T190000Z".into())
    );
    // The origin changes: the copy says "Busy" again, and nothing else.
    anna.edit("dinner.ics", |ics| {
        ics.replace("SUMMARY:Dinner", "SUMMARY:Supper").replace("T200000Z", "T210000Z")
    });
    env.sync().await;
    assert_eq!(ben.agenda()[0].to_string(), "20260320T190000Z - 20260320T210000Z  Busy  [PRIVATE]");
    assert_at_rest(&env).await;
    Ok(())
}

/// Several answers of several servers may come twice, late or in another order: each event is there
/// once.
#[tokio::test]
async fn one_event_listed_twice_is_one_event() -> anyhow::Result<()> {
    let manners = Manners {
        lists_twice: true,
        lists_itself: true,
        absolute_hrefs: true,
        page: Some(3),
        ..Manners::generic()
    };
    let env = Builder::caldav_each([manners.clone(), manners]).terms(TWO_WAY).build().await?;
    let [anna, ben] = &env.people;
    env.sync().await;
    for n in 10..25 {
        let event =
            format!("DTSTART:202604{n}T180000Z\nDTEND:202604{n}T200000Z\nSUMMARY:Event {n}");
        anna.put(
            &format!("{n} @ ä.ics"),
            &calendar(&crate::support::events::vevent(&format!("uid-{n}"), &event)),
        );
    }
    assert_eq!(env.sync().await.created, 15);
    assert_eq!((anna.len(), ben.len()), (15, 15));
    assert_at_rest(&env).await;
    Ok(())
}
