use engine::provider::ProviderKind;

use super::*;
use records::account::AccountStatus;

fn account(home: &str) -> Account {
    let endpoint = serde_json::json!({
        "base": "https://dav.example.org/",
        "homes": [{"url": format!("https://dav.example.org{home}")}]
    });
    Account {
        id: AccountId::new("a1"),
        kind: ProviderKind::Caldav,
        name: "anna".into(),
        url: "https://dav.example.org/".into(),
        user: "anna".into(),
        endpoint: endpoint.to_string(),
        generation: 1,
        state: AccountStatus::Ok,
        error: None,
        suspended: None,
    }
}

fn remote(address: &str, name: &str) -> RemoteCalendar {
    RemoteCalendar {
        address: address.into(),
        name: name.into(),
        writable: true,
        zone: None,
        owned_at: None,
    }
}

fn found(address: &str, name: &str) -> CalendarRecord {
    with_ids(&account("/anna/"), &[], vec![remote(address, name)]).remove(0)
}

/// The ids of calendars that are listed at these addresses, where these records are known.
fn ids(home: &str, known: &[CalendarRecord], listed: &[&str]) -> Vec<CalendarId> {
    let listed = listed.iter().map(|address| remote(address, "x")).collect();
    with_ids(&account(home), known, listed).into_iter().map(|row| row.id).collect()
}

fn keys(ops: &[Op]) -> Vec<(&'static str, String)> {
    ops.iter()
        .map(|op| match op {
            Op::Put { key, .. } => ("put", key.clone()),
            Op::Delete { key, .. } => ("delete", key.clone()),
            Op::Insert { .. } | Op::Replace { .. } => panic!("no conditional writes here"),
        })
        .collect()
}

#[test]
fn a_calendar_keeps_its_id_under_a_new_name() {
    assert_eq!(found("/anna/office/", "Work").id, found("/anna/office/", "Office").id);
    assert_ne!(found("/anna/office/", "Work").id, found("/anna/home/", "Work").id);
}

#[test]
fn a_listing_without_news_writes_nothing() {
    let rows = [found("/anna/office/", "Work"), found("/anna/home/", "Home")];
    assert!(difference(&rows, &rows, &[]).unwrap().is_empty());
}

#[test]
fn a_calendar_that_is_gone_is_forgotten_unless_a_pair_names_it() {
    let (work, home) = (found("/anna/office/", "Work"), found("/anna/home/", "Home"));
    let known = [work.clone(), home.clone()];
    let ops = difference(&known, &[], std::slice::from_ref(&home.id)).unwrap();
    assert_eq!(keys(&ops), [("delete", format!("calendar:{}", work.id))]);
}

#[test]
fn a_new_name_is_remembered() {
    let ops =
        difference(&[found("/anna/office/", "Work")], &[found("/anna/office/", "Office")], &[])
            .unwrap();
    assert_eq!(keys(&ops), [("put", format!("calendar:{}", found("/anna/office/", "").id))]);
}

#[test]
fn a_calendar_keeps_its_id_where_the_homes_have_moved() {
    let [work, home] = ["/anna/work/", "/anna/home/"].map(|address| found(address, "x"));
    let known = [work.clone(), home.clone()];
    let moved = ids(
        "/cloud/anna/",
        &known,
        &["/cloud/anna/home/", "/cloud/anna/new/", "/cloud/anna/work/"],
    );
    assert_eq!((&moved[0], &moved[2]), (&home.id, &work.id));
    assert!(![&work.id, &home.id].contains(&&moved[1]));
    let deeper = ids("/anna/calendars/", &known, &["/anna/calendars/work/"]);
    assert_eq!(deeper[0], work.id);
    let back = CalendarRecord { address: "/anna/calendars/work/".into(), ..work.clone() };
    assert_eq!(ids("/anna/", std::slice::from_ref(&back), &["/anna/work/"])[0], work.id);
    assert_eq!(
        ids("/anna/", &known, &["/moved/anna/work/", "/moved/anna/home/"]),
        [work.id, home.id],
        "the old home answers with new addresses"
    );
}

#[test]
fn a_calendar_that_was_deleted_is_not_another_one() {
    let known = [found("/anna/work/", "Work"), found("/anna/home/", "Home")];
    let of = |home: &str, listed: &[&str]| ids(home, &known, listed).contains(&known[0].id);
    assert!(
        !of("/anna/", &["/anna/home/", "/team/work/"]),
        "its home is there, and it is not in it"
    );
    assert!(!of("/anna/", &["/anna/home/"]));
    assert!(!of("/cloud/", &["/cloud/office/"]), "another name");
    assert!(!of("/cloud/", &["/cloud/work/", "/shared/work/"]), "two of its name");
    let both = [known[0].clone(), found("/cloud/work/", "Work")];
    assert_eq!(ids("/cloud/", &both, &["/cloud/work/"]), [both[1].id.clone()], "that one is known");
    let twice = [known[0].clone(), found("/team/work/", "Work")];
    assert!(
        !twice.iter().any(|row| ids("/cloud/", &twice, &["/cloud/work/"]).contains(&row.id)),
        "of two it may be either"
    );
}

#[test]
fn an_id_is_given_once() {
    let work = found("/anna/work/", "Work");
    let moved = CalendarRecord { address: "/cloud/anna/work/".into(), ..work.clone() };
    let both = ids("/anna/", std::slice::from_ref(&moved), &["/anna/work/", "/cloud/anna/work/"]);
    assert!(both[0] != work.id && both[1] == work.id, "{both:?}");
    let again = CalendarRecord { id: both[0].clone(), ..work.clone() };
    assert_eq!(ids("/anna/", &[moved, again], &["/anna/work/", "/cloud/anna/work/"]), both);
}

#[test]
fn a_moved_calendar_is_written_down_under_its_id() {
    let work = found("/anna/work/", "Work");
    let now = with_ids(
        &account("/cloud/"),
        std::slice::from_ref(&work),
        vec![remote("/cloud/work/", "Work")],
    );
    let ops = difference(std::slice::from_ref(&work), &now, &[]).unwrap();
    assert_eq!(keys(&ops), [("put", format!("calendar:{}", work.id))]);
    assert_eq!((now[0].address.as_str(), now[0].first_address()), ("/cloud/work/", "/anna/work/"));
    let further = with_ids(&account("/third/"), &now, vec![remote("/third/work/", "Work")]);
    assert_eq!(
        (further[0].id.clone(), further[0].first_address()),
        (work.id.clone(), "/anna/work/")
    );
    let back = with_ids(&account("/anna/"), &further, vec![remote("/anna/work/", "Work")]);
    assert_eq!(back, [work]);
}

#[test]
fn a_calendar_that_its_provider_lists_under_another_id_is_known_by_its_name() {
    let microsoft =
        Account { kind: ProviderKind::Microsoft, endpoint: "{}".into(), ..account("/anna/") };
    let known =
        with_ids(&microsoft, &[], vec![remote("AAMk-a=", "Calendar"), remote("AAMk-b=", "Work")]);
    let listed = vec![remote("AAMk-A=", "Calendar"), remote("AAMk-b=", "Office")];
    let now = with_ids(&microsoft, &known, listed);
    assert_eq!(
        now.iter().map(|row| &row.id).collect::<Vec<_>>(),
        known.iter().map(|row| &row.id).collect::<Vec<_>>()
    );
    let two = vec![remote("AAMk-1=", "Calendar"), remote("AAMk-2=", "Calendar")];
    assert!(
        !with_ids(&microsoft, &known, two).iter().any(|row| row.id == known[0].id),
        "of two it may be either"
    );
    let caldav = with_ids(&account("/anna/"), &known, vec![remote("AAMk-A=", "Calendar")]);
    assert_ne!(caldav[0].id, known[0].id);
}
