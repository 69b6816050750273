//! The table matches the package of the Functions host, and no route leads to another function.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::binding::{AuthLevel, Trigger};

fn bindings(function: &Function) -> Vec<Value> {
    let json: Value = serde_json::from_str(function.json).unwrap();
    json["bindings"].as_array().unwrap().clone()
}

#[test]
fn every_folder_is_a_function_and_every_function_a_folder() {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let files: BTreeSet<_> = std::fs::read_dir(entry.path())
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(
                files,
                BTreeSet::from(["function.json".to_owned(), "mod.rs".to_owned()]),
                "{:?}",
                entry.path()
            );
            folders.insert(entry.file_name().into_string().unwrap());
        }
    }
    let table: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name.to_owned()).collect();
    assert_eq!(table.len(), FUNCTIONS.len(), "a name is listed twice");
    assert_eq!(folders, table);
}

#[test]
fn names_are_legal() {
    for Function { name, .. } in &FUNCTIONS {
        let legal = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 128
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        assert!(legal && *name != "host", "{name}");
    }
}

#[test]
fn the_code_fits_the_trigger() {
    for function in &FUNCTIONS {
        let trigger = function.binding().unwrap().trigger;
        let fits = matches!(
            (&function.run, &trigger),
            (FunctionCode::Http(..) | FunctionCode::Router(..), Trigger::Http { .. })
                | (
                    FunctionCode::Timer(_) | FunctionCode::TimerAtStart(_) | FunctionCode::Poll(_),
                    Trigger::Timer { .. }
                )
                | (FunctionCode::Queue(_), Trigger::Queue { .. })
        );
        assert!(fits, "{}: {trigger:?}", function.name);
    }
}

/// With another number of bindings, the host would wrap the request into an invocation instead of
/// proxying it.
#[test]
fn http_functions_have_one_way_in_and_one_out() {
    for function in FUNCTIONS.iter().filter(|function| function.run.is_http()) {
        let bindings = bindings(function);
        let kinds: Vec<_> = bindings
            .iter()
            .map(|binding| {
                (binding["type"].as_str().unwrap(), binding["direction"].as_str().unwrap())
            })
            .collect();
        assert_eq!(kinds, [("httpTrigger", "in"), ("http", "out")], "{}", function.name);
        assert!(
            bindings[0]["route"].as_str().is_some_and(|route| !route.is_empty()),
            "{}: the host would take its name",
            function.name
        );
    }
}

/// The functions decide themselves what is allowed, except `diagnose`: only the Functions host
/// knows its key.
#[test]
fn every_http_function_but_diagnose_is_anonymous() {
    for function in &FUNCTIONS {
        let Trigger::Http { access, methods, .. } = function.binding().unwrap().trigger else {
            continue;
        };
        let expected =
            if function.name == "diagnose" { AuthLevel::Function } else { AuthLevel::Anonymous };
        assert_eq!(access, expected, "{}", function.name);
        assert!(
            access == AuthLevel::Anonymous || methods == ["GET"],
            "{}: the key gives read access only",
            function.name
        );
    }
}

/// The program must not treat a request that the host passed without a key as a request with one:
/// such a request matched another route of the host.
#[test]
fn no_other_route_leads_to_diagnose() {
    let routes = |access: AuthLevel| {
        FUNCTIONS.iter().filter_map(move |function| match function.binding().unwrap().trigger {
            Trigger::Http { route, access: found, .. } if found == access => {
                Some((function.name, route))
            }
            _ => None,
        })
    };
    let paths = [
        "/health/detail",
        "/health/detail/",
        "/HEALTH/Detail",
        "/health//detail",
        "//health/detail",
        "/health%2Fdetail",
    ];
    for (name, route) in routes(AuthLevel::Anonymous) {
        for path in paths {
            assert!(!route.matches(path), "{name} accepts {path} without a key");
        }
    }
    let (_, diagnose) = routes(AuthLevel::Function).next().unwrap();
    assert_eq!(paths.map(|path| diagnose.matches(path)), [true, true, true, false, false, false]);
}

#[test]
fn other_functions_have_one_binding() {
    for function in FUNCTIONS.iter().filter(|function| !function.run.is_http()) {
        assert_eq!(
            bindings(function).len(),
            1,
            "{}: messages are sent by our own queue",
            function.name
        );
    }
}

#[test]
fn no_route_leads_to_an_invocation() {
    for function in &FUNCTIONS {
        let Trigger::Http { route, .. } = function.binding().unwrap().trigger else { continue };
        for other in FUNCTIONS.iter().filter(|other| !other.run.is_http()) {
            for path in [
                format!("/{}", other.name),
                format!("/{}/", other.name),
                format!("/{}", other.name.to_uppercase()),
                format!("//{}", other.name),
                format!("/%2e%2e/{}", other.name),
            ] {
                assert!(!route.matches(&path), "{} is reached by {path}", other.name);
            }
        }
    }
}

/// The Functions host tries routes in the order of the functions' names and knows no precedence.
#[test]
fn no_two_routes_match_one_path() {
    let routes: Vec<_> = FUNCTIONS
        .iter()
        .filter_map(|function| match function.binding().unwrap().trigger {
            Trigger::Http { route, .. } => Some((function.name, route)),
            _ => None,
        })
        .collect();
    // A path that each template matches, with segments that are no literal of another template.
    let samples = FUNCTIONS.iter().flat_map(|function| {
        let route = bindings(function)[0]["route"].as_str().unwrap_or_default().to_owned();
        let filled = |rest: &str| {
            let segment = |text: &str| match text {
                text if text.starts_with("{*") => rest.to_owned(),
                text if text.starts_with('{') => "google".to_owned(),
                text => text.to_owned(),
            };
            let path: Vec<String> = route.split('/').map(segment).collect();
            format!("/{}", path.join("/").trim_end_matches('/'))
        };
        ["", "x", "x/y", "health", "oauth/google/callback", "..%2Fsync_calendar", "../health"]
            .map(filled)
    });
    for path in samples {
        for spelled in [path.clone(), format!("{path}/"), path.to_uppercase(), format!("/{path}")] {
            let found: Vec<_> =
                routes.iter().filter(|(_, route)| route.matches(&spelled)).collect();
            assert!(found.len() <= 1, "{spelled} matches {found:?}");
        }
    }
}

#[test]
fn queues_are_those_that_jobs_fill() {
    let queues: Vec<_> = FUNCTIONS
        .iter()
        .filter_map(|function| match function.binding().unwrap().trigger {
            Trigger::Queue { queue } => Some(queue),
            _ => None,
        })
        .collect();
    assert_eq!(queues, [jobs::nudge::QUEUE.to_owned(), format!("{}-poison", jobs::nudge::QUEUE)]);
}

#[test]
fn timers_are_not_started_with_the_host() {
    for function in FUNCTIONS.iter().filter(|function| {
        matches!(
            function.run,
            FunctionCode::Timer(_) | FunctionCode::TimerAtStart(_) | FunctionCode::Poll(_)
        )
    }) {
        assert_eq!(
            bindings(function)[0]["runOnStartup"],
            false,
            "{}: it would run at every scale-out",
            function.name
        );
    }
}

/// Functions read triggers; only the crates below use tables and clients.
#[test]
fn functions_see_neither_a_client_nor_a_table() {
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    for line in dependencies.lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap();
        assert!(!["reqwest", "store", "providers", "vault", "rusqlite"].contains(&name), "{line}");
    }
}

#[test]
fn a_function_is_at_most_thirty_lines() {
    for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
        let file = entry.unwrap().path().join("mod.rs");
        if let Ok(code) = std::fs::read_to_string(&file) {
            let lines = code.lines().count();
            assert!(lines <= 30, "{} has {lines} lines", file.display());
        }
    }
}
