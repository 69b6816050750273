//! Every combination of providers with Microsoft 365, in both directions, private and not: what is
//! expected is the table of the mapping, written down here once more.

use std::collections::BTreeMap;

use anyhow::ensure;
use futures::future::try_join_all;
use serde_json::{Value, json};
use simulators::agenda::entries;

use super::{End, Kind, Office, object, outlook, text, weekly};
use crate::support::cli;

/// What an end shows of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Look {
    visibility: String,
    busy: String,
    place: String,
    body: String,
    days: bool,
}

const SENSITIVITIES: [&str; 4] = ["normal", "personal", "private", "confidential"];
const SHOWN: [&str; 6] = ["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"];

/// Visibility, as a copy shows it.
fn visibility(sensitivity: &str) -> &str {
    if sensitivity == "personal" { "private" } else { sensitivity }
}

/// Free or busy, as a copy at that provider shows it.
fn busy(to: Kind, shown: &str) -> &str {
    match (to, shown) {
        (_, "unknown") => "busy",
        (Kind::Microsoft, shown) => shown,
        (_, "free" | "workingElsewhere") => "free",
        (Kind::CalDav, "tentative") => "tentative",
        _ => "busy",
    }
}

/// The one at Microsoft, the other one, and both calendars' ids. `same`: another calendar of the
/// first account.
async fn ends(office: &Office, other: Kind, same: bool) -> anyhow::Result<[(End, String); 2]> {
    let account = office.graph.account("anna@example.org");
    let second = account.calendar("Second");
    let anna = office.end(Kind::Microsoft, "anna").await?;
    if !same {
        return Ok([anna, office.end(other, "ben").await?]);
    }
    let added = office.cli.microsoft_add(&account.refresh_token()).await?.done()?;
    let id = office.cli.calendar(&cli::id(&added)?, "Second").await?;
    Ok([anna, (End::Microsoft(second), id)])
}

/// All single events of an end by their titles; of a private calendar by when they begin.
fn looks(end: &End) -> BTreeMap<String, Look> {
    match end {
        End::Microsoft(calendar) => calendar
            .items()
            .iter()
            .map(|item| {
                let look = Look {
                    visibility: visibility(&text(&item["sensitivity"])).to_owned(),
                    busy: text(&item["showAs"]),
                    place: text(&item["location"]["displayName"]),
                    body: text(&item["body"]["content"]).trim().replace("\r\n", "\n"),
                    days: item["isAllDay"] == true,
                };
                (text(&item["subject"]), look)
            })
            .collect(),
        End::Google(calendar) => objects(calendar.objects()),
        End::CalDav(calendar) => objects(calendar.objects()),
    }
}

fn objects(all: Vec<(String, String)>) -> BTreeMap<String, Look> {
    let looks = entries(all).into_iter().map(|entry| {
        let busy = match (entry.value("TRANSP"), entry.value("STATUS")) {
            ("TRANSPARENT", _) => "free",
            (_, "TENTATIVE") => "tentative",
            _ => "busy",
        };
        let look = Look {
            visibility: match entry.value("CLASS") {
                "" | "PUBLIC" => "normal".to_owned(),
                other => other.to_lowercase(),
            },
            busy: busy.to_owned(),
            place: entry.text("LOCATION"),
            body: entry.text("DESCRIPTION").trim().to_owned(),
            days: entry.value("DTSTART").len() == 8,
        };
        (entry.summary(), look)
    });
    looks.collect()
}

/// Everything that an end stores, as text.
fn store(end: &End) -> String {
    match end {
        End::Microsoft(calendar) => serde_json::to_string(&calendar.saved()).expect("JSON"),
        End::Google(calendar) => format!("{:?}", calendar.objects()),
        End::CalDav(calendar) => format!("{:?}", calendar.objects()),
    }
}

const EMOJI: &str = "Zebra 🦓👩‍👩‍👧";

/// Anna's calendar at Microsoft.
fn fill(end: &End) {
    let here = end.microsoft();
    for (i, sensitivity) in SENSITIVITIES.iter().enumerate() {
        for (j, shown) in SHOWN.iter().enumerate() {
            let more = json!({"sensitivity": sensitivity, "showAs": shown, "isReminderOn": true,
                "reminderMinutesBeforeStart": 30});
            let title = format!("Zebra {sensitivity} {shown}");
            here.add(outlook(&format!("2026-12-{:02}", 3 + i * 6 + j), &title, more));
        }
    }
    let day = |day: &str| json!({"dateTime": format!("{day}T00:00:00"), "timeZone": "UTC"});
    let days = json!({"isAllDay": true, "showAs": "busy", "start": day("2026-12-24"), "end": day("2026-12-27")});
    here.add(outlook("2026-12-24", "Zebra days", days));
    let zoned = |hour: &str| json!({"dateTime": format!("2027-02-03T{hour}:00:00"), "timeZone": "FLE Standard Time"});
    here.add(outlook("2027-02-03", EMOJI, json!({"start": zoned("09"), "end": zoned("10")})));
    let long = json!({"body": {"contentType": "text", "content": long()}});
    here.add(outlook("2027-02-04", "Zebra long", long));
    let team = here.add(outlook("2027-03-03", "Zebra team", weekly("2027-03-03", "wednesday", 6)));
    here.patch(&here.occurrence(&team, "2027-03-17"), json!({"subject": "Zebra late"}));
    here.remove(&here.occurrence(&team, "2027-03-24"));
    let gone = outlook("2027-02-05", "Zebra cancelled", json!({}));
    let gone = here.add_invited(gone, "gnu@example.org", &["anna@example.org"]);
    here.is_cancelled(&gone);
}

fn long() -> String {
    (0..200).map(|n| format!("okapi line {n} <&> \"quoted\"")).collect::<Vec<_>>().join("\n")
}

/// What a copy shows of the event with this title that `fill` made.
fn expected(to: Kind, title: &str, private: bool) -> Look {
    let words: Vec<&str> = title.split(' ').collect();
    let (sensitivity, shown) = match words[..] {
        [_, sensitivity, shown] => (sensitivity, shown),
        _ => ("normal", "busy"),
    };
    let body = if title == "Zebra long" { long() } else { "Bring pens".to_owned() };
    Look {
        visibility: if private { "private" } else { visibility(sensitivity) }.to_owned(),
        busy: busy(to, shown).to_owned(),
        place: if private { String::new() } else { "Room 5".to_owned() },
        body: if private { String::new() } else { body },
        days: title == "Zebra days",
    }
}

fn titles(end: &End) -> Vec<String> {
    let all = end.shown();
    all.keys().map(|(_, title)| title.clone()).collect()
}

async fn from_microsoft(other: Kind, same: bool, terms: &[&str]) -> anyhow::Result<()> {
    let case = format!("{other:?} {same} {terms:?}");
    let office = Office::new().await?;
    let [(anna, from), (ben, to)] = ends(&office, other, same).await?;
    fill(&anna);
    let private = terms.contains(&"--private");
    office.cli.pair_add(&from, &to, terms).await?;
    // Those of the table, the days, the zone, the long one, and 5 occurrences.
    let done = office.sync().await?;
    ensure!(done[..3] == [32, 0, 0], "{case}: {done:?}");
    let before = looks(&anna);
    compare(&anna, &ben, other, private, &case)?;
    office.rest().await?;
    ensure!(looks(&anna) == before, "{case}: an origin was written to");
    let here = anna.microsoft();
    let id = |title: &str| text(&here.find(title).expect("an origin")["id"]);
    here.patch(&id("Zebra private oof"), json!({"location": {"displayName": "Quagga Street"}}));
    here.remove(&id("Zebra normal busy"));
    let done = office.sync().await?;
    let changed = u64::from(!private);
    ensure!(done[..3] == [0, changed, 1], "{case}: {done:?}");
    if !private {
        ensure!(looks(&ben)["Zebra private oof"].place == "Quagga Street", "{case}");
    }
    office.rest().await?;
    if terms.contains(&"--two-way") {
        flows_back(&office, [&anna, &ben], private, &case).await?;
    }
    if private {
        for word in ["Zebra", "Quagga", "okapi", "gnu@", "Room 5", "pens"] {
            ensure!(!store(&ben).contains(word), "{case}: a private copy says {word}");
        }
    }
    Ok(())
}

fn compare(anna: &End, ben: &End, to: Kind, private: bool, case: &str) -> anyhow::Result<()> {
    let times = |end: &End| -> Vec<_> {
        let all = end.shown();
        let mut times: Vec<_> = all.iter().map(|((start, _), count)| (*start, *count)).collect();
        times.retain(|(start, _)| !start.to_string().starts_with("2027-02-05"));
        times
    };
    ensure!(times(anna) == times(ben), "{case}: {:?} {:?}", times(anna), times(ben));
    if private {
        ensure!(titles(ben).iter().all(|title| title == "Busy"), "{case}: {:?}", titles(ben));
        let look = &looks(ben)["Busy"];
        ensure!(
            (&*look.visibility, &*look.place, &*look.body) == ("private", "", ""),
            "{case}: {look:?}"
        );
        return Ok(());
    }
    let shown = looks(ben);
    ensure!(!shown.contains_key("Zebra cancelled"), "{case}");
    for (title, look) in &shown {
        let mut wanted = expected(to, title, private);
        if title == "Zebra team" || title == "Zebra late" {
            wanted.body.clone_from(&look.body);
        }
        ensure!(*look == wanted, "{case}: {title}: {look:?}, and should be {wanted:?}");
    }
    for sensitivity in SENSITIVITIES {
        for shown_as in SHOWN {
            let title = format!("Zebra {sensitivity} {shown_as}");
            ensure!(shown.contains_key(&title), "{case}: no {title}");
        }
    }
    Ok(())
}

/// Copies are edited by hand: their words come back, and what a copy cannot show does not.
async fn flows_back(
    office: &Office,
    [anna, ben]: [&End; 2],
    private: bool,
    case: &str,
) -> anyhow::Result<()> {
    let before: BTreeMap<String, Value> = raw(anna);
    let edited = [
        "personal oof",
        "normal workingElsewhere",
        "normal unknown",
        "personal unknown",
        "confidential tentative",
        "normal tentative",
        "private free",
    ];
    if private {
        write_over(ben, "2026-12-03", "Busy", "Owl");
        office.cli.sync_with(&[]).await?;
        ensure!(!titles(anna).contains(&"Owl".to_owned()), "{case}: a private title came back");
        ensure!(raw(anna) == before, "{case}: an origin was written to");
        office.cli.sync_with(&["--full"]).await?;
        return office.rest().await;
    }
    for kind in edited {
        write_over(ben, "", &format!("Zebra {kind}"), &format!("Zebra {kind} again"));
    }
    let done = office.sync().await?;
    ensure!(done[..3] == [0, edited.len() as u64, 0], "{case}: {done:?}");
    let after = raw(anna);
    for kind in edited {
        let (old, new) =
            (&before[&format!("Zebra {kind}")], &after[&format!("Zebra {kind} again")]);
        for member in ["sensitivity", "showAs", "isReminderOn", "location", "body", "start", "end"]
        {
            ensure!(
                old[member] == new[member],
                "{case}: {member} of {kind}: {} {}",
                old[member],
                new[member]
            );
        }
    }
    office.rest().await
}

fn raw(end: &End) -> BTreeMap<String, Value> {
    end.microsoft().items().into_iter().map(|item| (text(&item["subject"]), item)).collect()
}

/// A person gives the event of that title, and of that day where one is named, another title.
fn write_over(end: &End, day: &str, title: &str, new: &str) {
    let change =
        |ics: &str| ics.replacen(&format!("SUMMARY:{title}"), &format!("SUMMARY:{new}"), 1);
    let day_of = day.replace('-', "");
    let is = |ics: &str| {
        ics.contains(&format!("SUMMARY:{title}\r\n"))
            && (day.is_empty() || ics.contains(&format!(":{day_of}T")))
    };
    match end {
        End::Microsoft(calendar) => {
            let all = calendar.items();
            let found = all.iter().find(|item| {
                item["subject"] == title && text(&item["start"]["dateTime"]).starts_with(day)
            });
            let id = text(&found.expect("a copy")["id"]);
            calendar.patch(&id, json!({"subject": new}));
        }
        End::Google(calendar) => {
            let all = calendar.objects();
            let (name, ics) = all.iter().find(|(_, ics)| is(ics)).expect("a copy");
            calendar.put_object(name, &change(ics));
        }
        End::CalDav(calendar) => {
            let all = calendar.objects();
            let (name, ics) = all.iter().find(|(_, ics)| is(ics)).expect("a copy");
            calendar.put(name, &change(ics));
        }
    }
}

#[tokio::test]
async fn what_microsoft_has_is_shown_by_every_other_as_the_table_says() -> anyhow::Result<()> {
    let ends = [
        (Kind::Google, false),
        (Kind::CalDav, false),
        (Kind::Microsoft, false),
        (Kind::Microsoft, true),
    ];
    let terms: [&[&str]; 4] = [&[], &["--private"], &["--two-way"], &["--two-way", "--private"]];
    let all = ends
        .iter()
        .flat_map(|(other, same)| terms.iter().map(|terms| from_microsoft(*other, *same, terms)));
    try_join_all(all).await.map(drop)
}

const CLASSES: [(&str, &str); 3] =
    [("PUBLIC", "normal"), ("PRIVATE", "private"), ("CONFIDENTIAL", "confidential")];
const TRANSPARENCIES: [(&str, &str); 3] = [
    ("TRANSP:OPAQUE", "busy"),
    ("TRANSP:TRANSPARENT", "free"),
    ("TRANSP:OPAQUE\nSTATUS:TENTATIVE", "tentative"),
];

async fn to_microsoft(other: Kind, terms: &[&str]) -> anyhow::Result<()> {
    let case = format!("{other:?} {terms:?}");
    let office = Office::new().await?;
    let [(anna, to), (ben, from)] = ends(&office, other, false).await?;
    let put = |name: &str, lines: &str| match &ben {
        End::Microsoft(_) => panic!("an end of objects"),
        End::Google(calendar) => calendar.put_object(&format!("{name}.ics"), &object(name, lines)),
        End::CalDav(calendar) => drop(calendar.put(&format!("{name}.ics"), &object(name, lines))),
    };
    for (i, (class, _)) in CLASSES.iter().enumerate() {
        for (j, (transparency, _)) in TRANSPARENCIES.iter().enumerate() {
            let day = 3 + i * 3 + j;
            put(
                &format!("e{i}{j}"),
                &format!(
                    "DTSTART;TZID=Europe/Berlin:202612{day:02}T100000\nDURATION:PT1H\nSUMMARY:Zebra {i}{j}\n\
                LOCATION:Quagga Street\nDESCRIPTION:okapi\nCLASS:{class}\n{transparency}\n\
                BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:x\nEND:VALARM"
                ),
            );
        }
    }
    put("days", "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Zebra days");
    put("emoji", &format!("DTSTART:20270203T090000Z\nDURATION:PT1H\nSUMMARY:{EMOJI}"));
    put(
        "team",
        "DTSTART;TZID=Europe/Berlin:20270303T100000\nDURATION:PT1H\nSUMMARY:Zebra team\n\
        RRULE:FREQ=WEEKLY;COUNT=6\nEXDATE;TZID=Europe/Berlin:20270317T100000",
    );
    let private = terms.contains(&"--private");
    office.cli.pair_add(&from, &to, terms).await?;
    let done = office.sync().await?;
    ensure!(done[..3] == [12, 0, 0], "{case}: {done:?}");
    office.rest().await?;
    if private {
        ensure!(titles(&anna).iter().all(|title| title == "Busy"), "{case}: {:?}", titles(&anna));
        for word in ["Zebra", "Quagga", "okapi"] {
            ensure!(!store(&anna).contains(word), "{case}: a private copy says {word}");
        }
        ensure!(
            anna.microsoft().items().iter().all(|item| item["sensitivity"] == "private"),
            "{case}"
        );
        return Ok(());
    }
    ensure!(anna.shown() == ben.shown(), "{case}");
    let copies = raw(&anna);
    for (i, (_, sensitivity)) in CLASSES.iter().enumerate() {
        for (j, (_, shown)) in TRANSPARENCIES.iter().enumerate() {
            let copy = &copies[&format!("Zebra {i}{j}")];
            let found = (&copy["sensitivity"], &copy["showAs"], &copy["isReminderOn"]);
            ensure!(found == (&json!(sensitivity), &json!(shown), &json!(false)), "{case}: {copy}");
        }
    }
    if terms.contains(&"--two-way") {
        let before = looks(&ben);
        anna.microsoft().patch(&text(&copies["Zebra 11"]["id"]), json!({"subject": "Zebra again"}));
        anna.microsoft().remove(&text(&copies["Zebra 00"]["id"]));
        let done = office.sync().await?;
        ensure!(done[..3] == [0, 1, 1], "{case}: {done:?}");
        ensure!(looks(&ben)["Zebra again"] == before["Zebra 11"], "{case}");
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_another_has_is_shown_by_microsoft_as_the_table_says() -> anyhow::Result<()> {
    let terms: [&[&str]; 4] = [&[], &["--private"], &["--two-way"], &["--two-way", "--private"]];
    let all = [Kind::Google, Kind::CalDav]
        .into_iter()
        .flat_map(|other| terms.iter().map(move |terms| to_microsoft(other, terms)));
    try_join_all(all).await.map(drop)
}
