//! Every field, there and back (the mapping's tables): what a copy shows, and that an edit of
//! something else leaves the origin's own value alone.

use engine::pair::Side;
use serde_json::{Value, json};

use crate::support::events::object;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::{TWO_WAY, Terms};
use crate::support::servers::Provider;

/// What Google says of an event, and CLASS, TRANSP and STATUS of its copy at CalDAV; last its
/// `visibility` and `transparency` at Google.
fn rows() -> Vec<(&'static str, Value, [&'static str; 3], [Value; 2])> {
    let (public, private) = (json!("public"), json!("private"));
    vec![
        ("plain", json!({}), ["PUBLIC", "OPAQUE", "CONFIRMED"], [Value::Null, Value::Null]),
        (
            "public",
            json!({"visibility": "public"}),
            ["PUBLIC", "OPAQUE", "CONFIRMED"],
            [public, Value::Null],
        ),
        (
            "private",
            json!({"visibility": "private"}),
            ["PRIVATE", "OPAQUE", "CONFIRMED"],
            [private, Value::Null],
        ),
        (
            "confidential",
            json!({"visibility": "confidential"}),
            ["CONFIDENTIAL", "OPAQUE", "CONFIRMED"],
            [json!("confidential"), Value::Null],
        ),
        (
            "free",
            json!({"transparency": "transparent"}),
            ["PUBLIC", "TRANSPARENT", "CONFIRMED"],
            [Value::Null, json!("transparent")],
        ),
        (
            "maybe",
            json!({"status": "tentative"}),
            ["PUBLIC", "OPAQUE", "TENTATIVE"],
            [Value::Null, Value::Null],
        ),
        (
            "away",
            json!({"eventType": "outOfOffice"}),
            ["PUBLIC", "OPAQUE", "CONFIRMED"],
            [Value::Null, Value::Null],
        ),
        (
            "focus",
            json!({"eventType": "focusTime"}),
            ["PUBLIC", "OPAQUE", "CONFIRMED"],
            [Value::Null, Value::Null],
        ),
    ]
}

/// From CalDAV: lines of the object, and `visibility` and `transparency` of the copy.
const FROM_CALDAV: [(&str, &str, [&str; 2]); 9] = [
    ("plain", "", ["", ""]),
    ("public", "CLASS:PUBLIC", ["", ""]),
    ("private", "CLASS:PRIVATE", ["private", ""]),
    ("confidential", "CLASS:CONFIDENTIAL", ["confidential", ""]),
    ("unknown", "CLASS:X-SECRET", ["private", ""]),
    ("free", "TRANSP:TRANSPARENT", ["", "transparent"]),
    ("maybe", "STATUS:TENTATIVE", ["", ""]),
    ("maybe free", "STATUS:TENTATIVE\nTRANSP:TRANSPARENT", ["", "transparent"]),
    ("sure", "STATUS:CONFIRMED\nTRANSP:OPAQUE", ["", ""]),
];

#[tokio::test]
async fn what_google_says_of_an_event_is_said_of_its_copy_and_survives_the_way_back()
-> anyhow::Result<()> {
    for (ends, weak) in
        [(ENDS[0], false), (ENDS[0], true), (ENDS[1], false), (ENDS[1], true), (ENDS[3], false)]
    {
        let env = GoogleEnv::with(ends, TWO_WAY, |server| {
            server.manners(|manners| manners.confidential_is_private = weak)
        })
        .await?;
        let origins = env.google(0).clone();
        for (n, (title, more, ..)) in rows().into_iter().enumerate() {
            let mut event = hour(&format!("2026-04-{:02}", 1 + n), title, more);
            event["description"] = json!(
                "<b>Bring</b> pens &amp; <i>paper</i><br>and <a \
                href=\"https://example.org/a\">this</a>"
            );
            event["location"] = json!("Room 5, \"north\"; 2nd floor");
            origins.put(&format!("event{n}"), event);
        }
        assert_eq!(env.sync_ok().await?, [rows().len() as u64, 0, 0]);
        env.check_at_rest().await?;
        for (title, _, mut words, mut google) in rows() {
            if weak && title == "confidential" {
                // Google shows no more than that.
                (words[0], google[0]) = ("PRIVATE", json!("private"));
            }
            let shown = env.shown(Side::To, title).await?;
            assert_eq!(shown.location, "Room 5, \"north\"; 2nd floor");
            if ends[1] == Provider::Google {
                let copy = env.google(1).find(title).unwrap();
                assert_eq!(
                    [copy["visibility"].clone(), copy["transparency"].clone()],
                    google,
                    "{title}"
                );
                assert_eq!(copy["reminders"]["useDefault"], false);
            } else {
                let or = |value: &str, usual: &str| {
                    if value.is_empty() { usual.to_owned() } else { value.to_owned() }
                };
                let [seen, transp, status] = &shown.words;
                assert_eq!(
                    [or(seen, "PUBLIC"), or(transp, "OPAQUE"), or(status, "CONFIRMED")],
                    words,
                    "{title}"
                );
                assert_eq!(
                    shown.description,
                    "Bring pens & paper\nand this <https://example.org/a>"
                );
            }
        }
        // Every copy gets another title: nothing else of the origins changes.
        let before = origins.items();
        for (title, ..) in rows() {
            let name = env.shown(Side::To, title).await?.name;
            let new = format!("SUMMARY:{title} anew");
            env.people[1].edit(&name, |ics| ics.replace(&format!("SUMMARY:{title}"), &new)).await?;
        }
        assert_eq!(env.sync_ok().await?, [0, rows().len() as u64, 0]);
        for (old, new) in before.iter().zip(origins.items()) {
            for name in [
                "description",
                "location",
                "visibility",
                "transparency",
                "status",
                "eventType",
                "start",
                "end",
                "reminders",
            ] {
                assert_eq!(old[name], new[name], "{ends:?}: {name} of {}", old["summary"]);
            }
            assert_eq!(new["summary"], format!("{} anew", old["summary"].as_str().unwrap()));
        }
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_caldav_says_of_an_event_is_said_at_google_and_survives_the_way_back()
-> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[2], TWO_WAY).await?;
    let origins = env.caldav(0);
    for (n, (title, lines, _)) in FROM_CALDAV.iter().enumerate() {
        let time = format!("DTSTART:202604{:02}T090000Z\nDTEND:202604{:02}T100000Z", 1 + n, 1 + n);
        let rest = "DESCRIPTION:Tea <b> & cake\\n- two\nLOCATION:Room \
        5\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM";
        let lines = if lines.is_empty() { String::new() } else { format!("{lines}\n") };
        origins.put(
            &format!("e{n}.ics"),
            &object(&format!("uid-{n}"), &format!("{time}\nSUMMARY:{title}\n{lines}{rest}")),
        );
    }
    assert_eq!(env.sync_ok().await?[0], FROM_CALDAV.len() as u64);
    env.check_at_rest().await?;
    for (title, _, wanted) in FROM_CALDAV {
        let copy = env.google(1).find(title).unwrap();
        let word = |name: &str| copy[name].as_str().unwrap_or_default().to_owned();
        assert_eq!([word("visibility"), word("transparency")], wanted, "{title}");
        assert_eq!((word("status"), word("location")), ("confirmed".into(), "Room 5".into()));
        assert_eq!(
            copy["reminders"],
            json!({ "useDefault": false }),
            "{title}: reminders belong to each user"
        );
        env.google(1).patch(copy["id"].as_str().unwrap(), json!({ "location": "Room 6" }));
    }
    let before: Vec<String> = origins.agenda().iter().map(ToString::to_string).collect();
    assert_eq!(env.sync_ok().await?, [0, FROM_CALDAV.len() as u64, 0]);
    let after: Vec<String> = origins
        .agenda()
        .iter()
        .map(|entry| entry.to_string().replace("Room 6", "Room 5"))
        .collect();
    assert_eq!(before, after);
    for entry in origins.agenda() {
        assert_eq!(
            (entry.text("LOCATION").as_str(), entry.text("DESCRIPTION").as_str()),
            ("Room 6", "Tea <b> & cake\n- two")
        );
    }
    env.check_at_rest().await
}

#[tokio::test]
async fn days_and_zones_keep_their_meaning() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[3]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let time = |from: &str, to: &str, zone: &str| json!({"start": {"dateTime": from, "timeZone": zone}, "end": {"dateTime": to, "timeZone": zone}});
        let google = env.google(0).clone();
        google.put("day1", json!({"summary": "Day", "start": {"date": "2026-05-01"}, "end": {"date": "2026-05-02"}}));
        google.put("days1", json!({"summary": "Days", "start": {"date": "2026-12-30"}, "end": {"date": "2027-01-03"}}));
        for (n, zone) in
            ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Europe/Tallinn"]
                .iter()
                .enumerate()
        {
            let mut event =
                time(&format!("2026-10-2{n}T01:30:00"), &format!("2026-10-2{n}T02:30:00"), zone);
            event["summary"] = json!(zone);
            google.put(&format!("zone{n}"), event);
        }
        // In the hour that is not there, and in the one that is there twice.
        google.put(
            "skip1",
            hour(
                "2026-03-29",
                "Skipped",
                json!({"start": {"dateTime": "2026-03-29T00:30:00Z"}, "end": {"dateTime": "2026-03-29T01:30:00Z"}}),
            ),
        );
        google.put(
            "twice1",
            hour(
                "2026-10-25",
                "Twice",
                json!({"start": {"dateTime": "2026-10-25T01:30:00Z"}, "end": {"dateTime": "2026-10-25T02:30:00Z"}}),
            ),
        );
        env.sync_ok().await?;
        env.check_at_rest().await?;
        let scratch = super::series::Scratch::of(&env);
        assert_eq!(scratch.agenda(&env, 0).await?, scratch.agenda(&env, 1).await?, "{ends:?}");
        // Timed becomes all-day on the other side, and back.
        let name = env.shown(Side::To, "UTC").await?.name;
        env.people[1]
            .edit(&name, |ics| {
                let other = |line: &str| {
                    !line.starts_with("DTSTART")
                        && !line.starts_with("DTEND")
                        && !line.starts_with("DURATION")
                };
                let rest: Vec<&str> = ics.lines().filter(|line| other(line)).collect();
                let days =
                    "DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260603\r\nSUMMARY:UTC";
                rest.join("\r\n").replace("SUMMARY:UTC", days) + "\r\n"
            })
            .await?;
        assert_eq!(env.sync_ok().await?, [0, 1, 0]);
        assert_eq!(google.get("zone0").unwrap()["start"], json!({"date": "2026-06-01"}));
        env.check_at_rest().await?;
        google.patch("zone0", json!({"start": {"date": null, "dateTime": "2026-06-01T10:00:00Z", "timeZone": "UTC"}, "end": {"date": null, "dateTime": "2026-06-01T11:00:00Z", "timeZone": "UTC"}}));
        assert_eq!(env.sync_ok().await?, [0, 1, 0]);
        assert_eq!(scratch.agenda(&env, 0).await?, scratch.agenda(&env, 1).await?, "{ends:?}");
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_only_looks_like_an_event_is_left_out_and_what_is_declined_goes() -> anyhow::Result<()>
{
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        let me = |answer: &str| json!([{"email": "anna@example.org", "self": true, "responseStatus": answer}, {"email": "ben@example.net"}]);
        google.put(
            "office1",
            hour(
                "2026-04-01",
                "Office",
                json!({"eventType": "workingLocation", "transparency": "transparent"}),
            ),
        );
        google.put(
            "cake1",
            json!({"summary": "Birthday", "eventType": "birthday", "start": {"date": "2026-04-02"}, "end": {"date": "2026-04-03"}}),
        );
        google.put(
            "no1",
            hour(
                "2026-04-03",
                "Declined",
                json!({"attendees": me("declined"), "organizer": {"email": "ben@example.net"}}),
            ),
        );
        google.put(
            "yes1",
            hour(
                "2026-04-04",
                "Accepted",
                json!({"attendees": me("accepted"), "organizer": {"email": "ben@example.net"}}),
            ),
        );
        assert_eq!(env.sync_ok().await?[0], 1, "{ends:?}");
        google.patch("yes1", json!({"attendees": me("declined")}));
        assert_eq!(env.sync_ok().await?[2], 1, "{ends:?}");
        google.patch("yes1", json!({"attendees": me("tentative")}));
        assert_eq!(env.sync_ok().await?[0], 1, "{ends:?}");
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn guests_and_conferences_are_shown_as_nothing_but_text() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[3]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        let meeting = json!({
            "attendees": [
                {"email": "anna@example.org", "self": true, "responseStatus": "accepted"},
                {"email": "Carl@example.net"}, {"email": "dora@example.net", "responseStatus": "declined"},
                {"email": "room@resource.calendar.google.com", "resource": true},
            ],
            "description": "Agenda<br>-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-<br>Join: \
            \
            \
            \
            \
            \
            https://meet.google.com/abc-defg-hij<br>-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-<br>",
            "location": "https://meet.google.com/abc-defg-hij",
            "hangoutLink": "https://meet.google.com/abc-defg-hij",
            "conferenceData": {"conferenceId": "abc-defg-hij"},
        });
        google.put("meeting1", hour("2026-04-01", "Meeting", meeting));
        assert_eq!(env.sync_ok().await?[0], 1);
        let text = env.text(1).await?;
        assert!(
            !text.contains("meet.google.com")
                && !text.contains("ATTENDEE:")
                && !text.contains("ORGANIZER"),
            "{text}"
        );
        let description = env.shown(Side::To, "Meeting").await?.description;
        let description = description.replace("<br>", "\n");
        assert!(
            description.starts_with("Agenda")
                && description.ends_with("carl@example.net\ndora@example.net"),
            "{description}"
        );
        if ends[1] == Provider::Google {
            let copy = env.google(1).find("Meeting").unwrap();
            assert!(
                copy["attendees"].is_null()
                    && copy["conferenceData"].is_null()
                    && copy["hangoutLink"].is_null()
            );
        }
        // What is written on the copy of a meeting is not written to the meeting: guests would see
        // it.
        let before = google.revision();
        let name = env.shown(Side::To, "Meeting").await?.name;
        env.people[1].edit(&name, |ics| ics.replace("SUMMARY:Meeting", "SUMMARY:Mine")).await?;
        for _ in 0..2 {
            env.sync_ok().await?;
        }
        assert_eq!(google.revision(), before, "{ends:?}");
        assert!(
            env.shown(Side::To, "Meeting").await.is_ok(),
            "{ends:?}: the copy shows the meeting again"
        );
        env.check_at_rest().await?;
        // Nor is a meeting deleted for its copy.
        env.people[1].delete(&name).await?;
        for _ in 0..2 {
            env.sync_ok().await?;
        }
        assert_eq!(google.revision(), before, "{ends:?}");
        env.check_servers()?;
    }
    Ok(())
}

#[tokio::test]
async fn private_pairs_show_when_and_nothing_else() -> anyhow::Result<()> {
    for ends in ENDS {
        let terms = Terms { two_way: true, private: true, private_back: true };
        let env = GoogleEnv::new(ends, terms).await?;
        for (side, person) in env.people.iter().enumerate() {
            let time =
                format!("DTSTART:2026040{}T090000Z\nDTEND:2026040{}T100000Z", 1 + side, 1 + side);
            let secret = "SUMMARY:Clinic\nDESCRIPTION:Dr. Who\nLOCATION:Ward \
            7\nCLASS:CONFIDENTIAL\nTRANSP:TRANSPARENT";
            person
                .put("secret.ics", &object(&format!("uid-{side}"), &format!("{time}\n{secret}")))
                .await?;
        }
        assert_eq!(env.sync_ok().await?, [2, 0, 0]);
        for side in Side::BOTH {
            let busy = env.shown(side, "Busy").await?;
            assert_eq!(
                (busy.words[0].as_str(), busy.words[1].as_str()),
                ("PRIVATE", "TRANSPARENT"),
                "{ends:?}"
            );
            assert_eq!((busy.description.as_str(), busy.location.as_str()), ("", ""));
            let text = env.text(side as usize).await?;
            assert_eq!(
                ["Clinic", "Dr. Who", "Ward 7"].map(|word| text.matches(word).count()),
                [1; 3],
                "each shows its own: {text}"
            );
        }
        env.check_at_rest().await?;
        // A title on a private copy stays where it is; a time goes back.
        let name = env.shown(Side::To, "Busy").await?.name;
        env.people[1]
            .edit(&name, |ics| {
                ics.replace("T090000Z", "T093000Z").replace("SUMMARY:Busy", "SUMMARY:Mine")
            })
            .await?;
        env.sync_ok().await?;
        let clinic = env.shown(Side::From, "Clinic").await?;
        assert_eq!(clinic.times[0], "20260401T093000Z", "{ends:?}");
        assert_eq!(
            (clinic.words[0].as_str(), clinic.location.as_str()),
            ("CONFIDENTIAL", "Ward 7")
        );
        env.sync_ok().await?;
        env.check_at_rest().await?;
    }
    Ok(())
}
