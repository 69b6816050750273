//! The plan of faults.

use super::*;

fn put(path: &str) -> Asked<'_> {
    Asked::new(Kind::Put, path, b"")
}

#[test]
fn a_planned_fault_strikes_once_and_only_where_it_fits() {
    let faults = Faults::default();
    faults.next(On::kind(Kind::Put).at("b"), Fault::Status(503));
    faults.next(On::any(), Fault::LostToken);
    assert_eq!(faults.draw(&put("/a")), None);
    assert_eq!(faults.draw(&put("/b")), Some(Fault::Status(503)));
    assert_eq!(faults.draw(&put("/b")), None);
    assert!(faults.waiting());
    let initial = Asked::new(Kind::SyncCollection, "/c", b"<d:sync-collection><d:sync-token/>");
    let later = Asked::new(
        Kind::SyncCollection,
        "/c",
        b"<d:sync-collection><d:sync-token>x</d:sync-token>",
    );
    assert_eq!(faults.draw(&initial), None);
    assert_eq!(faults.draw(&later), Some(Fault::LostToken));
    assert!(!faults.waiting());
    assert_eq!(faults.struck().len(), 2);
}

#[test]
fn chance_does_not_depend_on_the_order_of_arrival() {
    let draw = |paths: &[&str]| {
        let faults = Faults::default();
        faults.randomly(11, 0.5, On::any(), Fault::PASSING);
        let mut drawn: Vec<_> =
            paths.iter().map(|p| (p.to_string(), format!("{:?}", faults.draw(&put(p))))).collect();
        drawn.sort();
        drawn
    };
    let forward = draw(&["/a", "/b", "/c", "/d", "/a"]);
    assert_eq!(forward, draw(&["/d", "/a", "/c", "/a", "/b"]));
    assert!(
        forward.iter().any(|(_, fault)| fault != "None")
            && forward.iter().any(|(_, fault)| fault == "None"),
        "{forward:?}"
    );
}
