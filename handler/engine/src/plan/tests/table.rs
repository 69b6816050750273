//! Every state of a mapping with every pair of news: what is decided, and what is remembered.
//! `table.txt` is the case table of `plan.rs` in full.
//!
//! A row is what was seen of the origin, a column what was seen of the copy. What is remembered is
//! in brackets: the state, the generation where the copy was made again, then `pristine`,
//! `drifted`, `guests` (of the origin), `invited` (of the copy) by their first letters, and both
//! versions.

use super::*;
use crate::reason::Reason;

const COLUMNS: [&str; 8] =
    ["unchanged", "gone", "touched", "placed", "moved", "unreadable", "claimed", "invited"];
const ROWS: [&str; 9] = [
    "unchanged",
    "gone",
    "touched",
    "renamed",
    "moved",
    "cancelled",
    "beyond",
    "past",
    "unreadable",
];

fn unreadable(etag: &str) -> Observed {
    Observed::Unreadable { etag: Some(etag.into()), why: "EXRULE".into() }
}

fn on(day: &str) -> Span {
    Span::Timed { start: at(&format!("{day}T10:00")), end: at(&format!("{day}T11:00")) }
}

fn origin_seen(row: &str, origin: &Event) -> Observed {
    match row {
        "unchanged" => Observed::Unchanged,
        "gone" => Observed::Gone,
        "touched" => edited(origin, "o2", |_| ()),
        "renamed" => edited(origin, "o2", |e| e.content.title = "Second".into()),
        "moved" => edited(origin, "o2", |e| e.content.span = on("2026-03-13")),
        "cancelled" => edited(origin, "o2", |e| e.cancelled = true),
        "beyond" => edited(origin, "o2", |e| e.content.span = on("2028-03-12")),
        "past" => edited(origin, "o2", |e| e.content.span = on("2025-03-12")),
        "unreadable" => unreadable("o2"),
        _ => panic!("{row}"),
    }
}

fn copy_seen(column: &str, copy: &Event, mapping: &Mapping) -> Observed {
    match column {
        "unchanged" => Observed::Unchanged,
        "gone" => Observed::Gone,
        "touched" => edited(copy, "c2", |_| ()),
        "placed" => edited(copy, "c2", |e| e.content.location = "Room 7".into()),
        "moved" => edited(copy, "c2", |e| e.content.span = on("2026-03-16")),
        "unreadable" => unreadable("c2"),
        "claimed" => edited(copy, "c2", |e| {
            e.marker = Some(Marks::new(&[9; 32]).mint(Role::Copy, mapping.id, None))
        }),
        "invited" => edited(copy, "c2", |e| e.content.attendees = vec!["ben@example.org".into()]),
        _ => panic!("{column}"),
    }
}

fn remembered(mapping: &Mapping) -> String {
    let flags = [
        (mapping.pristine, 'p'),
        (mapping.drifted, 'd'),
        (mapping.guests, 'g'),
        (mapping.copy_guests, 'i'),
    ];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, letter)| letter).collect();
    let generation =
        if mapping.generation == 0 { String::new() } else { format!(" {}", mapping.generation) };
    let version = |mapped: &MappedEvent| mapped.etag.clone().unwrap_or("-".into());
    format!(
        "[{:?}{generation} {flags} {} {}]",
        mapping.state,
        version(&mapping.origin),
        version(&mapping.copy)
    )
    .replace("  ", " ")
}

fn because(reason: Option<Reason>) -> String {
    reason.map(|reason| format!(" {reason:?}")).unwrap_or_default()
}

fn decided(decision: &Decision) -> String {
    let change = |name, change: &Option<Change>| {
        let Some(change) = change else { return String::new() };
        let fields: Vec<String> =
            change.parts.fields.iter().map(|field| format!("{field:?}")).collect();
        format!(" {name}{}:{}", if change.whole { " whole" } else { "" }, fields.join(","))
    };
    match decision {
        Decision::Nothing => "-".into(),
        Decision::Skip { reason, remember, .. } => {
            format!("skip {reason:?} {}", remember.as_deref().map(remembered).unwrap_or_default())
        }
        Decision::Remember(mapping) => format!("note {}", remembered(mapping)),
        Decision::Forget(_) => "forget".into(),
        Decision::Create(create) => format!(
            "create {:?}{} {}",
            create.role,
            because(create.reason),
            remembered(&create.mapping)
        ),
        Decision::Write(write) => {
            let (copy, origin) = (change("copy", &write.copy), change("origin", &write.origin));
            format!("write{copy}{origin}{} {}", because(write.reason), remembered(&write.mapping))
        }
        Decision::Delete(delete) => {
            format!(
                "delete {:?} {:?} {}",
                delete.role,
                delete.reason,
                delete.etag.as_deref().unwrap_or("-")
            )
        }
    }
}

fn table(
    out: &mut String,
    name: &str,
    world: &PlanWorld,
    state: MappingState,
    change: fn(&mut Event),
) {
    let mut origin = event();
    change(&mut origin);
    let (mapping, origin, copy) = world.synced(origin);
    let mapping = Mapping { state, ..mapping };
    out.push_str(&format!("## {name}\n"));
    out.push_str(&format!("| | {} |\n", COLUMNS.join(" | ")));
    for row in ROWS {
        let cell = |column| {
            decided(&world.known(
                &mapping,
                origin_seen(row, &origin),
                copy_seen(column, &copy, &mapping),
            ))
        };
        out.push_str(&format!("| {row} | {} |\n", COLUMNS.map(cell).join(" | ")));
    }
}

#[test]
fn the_case_table_holds_in_full() {
    let mut out = String::new();
    let plain = |_: &mut Event| ();
    for (name, state) in [
        ("live", MappingState::Live),
        ("creating", MappingState::Creating),
        ("suppressed", MappingState::Suppressed),
        ("archived", MappingState::Archived),
    ] {
        table(&mut out, &format!("{name}, two-way"), &world(), state, plain);
        table(&mut out, &format!("{name}, one-way"), &world().one_way(), state, plain);
    }
    table(&mut out, "live, two-way, private", &world().private(), MappingState::Live, plain);
    table(&mut out, "live, two-way, with guests", &world(), MappingState::Live, |event| {
        event.content.attendees = vec!["anna@example.org".into()]
    });
    table(&mut out, "left alone", &world(), MappingState::AlreadyThere, plain);
    let wanted = include_str!("table.txt");
    let differ: Vec<String> = out
        .lines()
        .zip(wanted.lines())
        .filter(|(is, want)| is != want)
        .map(|(is, want)| format!("{is}\n  instead of\n{want}"))
        .collect();
    assert!(out == wanted, "{}\nin\n{out}", differ.join("\n"));
}
