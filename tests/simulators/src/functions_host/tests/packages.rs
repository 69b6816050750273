//! What is refused before anything is started.

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn host() -> Value {
    json!({
        "version": "2.0",
        "customHandler": {"description": {"defaultExecutablePath": "program"}, "enableProxyingHttpRequest": true},
        "extensions": {"queues": {"messageEncoding": "none", "newBatchThreshold": 4}},
    })
}

fn http(route: &str, methods: &[&str]) -> Value {
    json!({"bindings": [
        {"type": "httpTrigger", "direction": "in", "name": "req", "route": route, "methods": methods},
        {"type": "http", "direction": "out", "name": "res"},
    ]})
}

fn queue(name: &str) -> Value {
    json!({"bindings": [{"type": "queueTrigger", "direction": "in", "name": "given", "queueName": name}]})
}

fn timer(schedule: &str) -> Value {
    json!({"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": schedule}]})
}

fn write(host: &Value, functions: &[(&str, Value)]) -> TempDir {
    let package = tempfile::tempdir().unwrap();
    std::fs::write(package.path().join("host.json"), host.to_string()).unwrap();
    std::fs::write(package.path().join("program"), "").unwrap();
    for (name, file) in functions {
        std::fs::create_dir(package.path().join(name)).unwrap();
        std::fs::write(package.path().join(name).join("function.json"), file.to_string()).unwrap();
    }
    package
}

/// Why it is refused; `None` where it is not.
fn refused(host: &Value, functions: &[(&str, Value)]) -> Option<String> {
    App::read(write(host, functions).path()).err().map(|error| format!("{error:#}"))
}

#[test]
fn a_package_without_a_mistake_is_read() {
    let functions = [
        ("Work-2_b", queue("work")),
        ("night", timer("0 30 2 * * *")),
        ("page", http("a/{b}", &["get"])),
    ];
    let app = App::read(write(&host(), &functions).path()).unwrap();
    assert_eq!(app.functions.keys().collect::<Vec<_>>(), ["Work-2_b", "night", "page"]);
    assert_eq!(
        (app.timeout, app.batch_size, app.max_dequeue_count),
        (Duration::from_secs(1800), 16, 5),
        "the host's defaults"
    );
}

#[test]
fn illegal_names_are_refused() {
    let long = "n".repeat(129);
    for name in ["1st", "_work", "host", "Host", "with space", "dot.dot", "käse", &long] {
        let why = refused(&host(), &[(name, queue("work"))]);
        assert!(
            why.as_ref().is_some_and(|why| why.contains("is no name for a function")),
            "{name}: {why:?}"
        );
    }
    for name in ["ab", "Work", "work_1", "-work", "work-", "wo--rk", &long] {
        let why = refused(&host(), &[("work", queue(name))]);
        assert!(
            why.as_ref().is_some_and(|why| why.contains("is no name for a queue")),
            "{name}: {why:?}"
        );
    }
}

#[test]
fn a_script_beside_a_function_is_refused() {
    let package = write(&host(), &[("work", queue("work"))]);
    std::fs::write(package.path().join("work/run.sh"), "").unwrap();
    assert!(
        App::read(package.path())
            .unwrap_err()
            .to_string()
            .contains("taken for the function's script")
    );
}

#[test]
fn functions_that_share_a_route_are_refused() {
    let both = |one: (&str, &[&str]), other: (&str, &[&str])| {
        refused(&host(), &[("one", http(one.0, one.1)), ("other", http(other.0, other.1))])
    };
    for (one, other) in
        [("a/b", "a/b"), ("a/b", "/A/b/"), ("a/{x}", "a/{y}"), ("{*x}", "{*rest}"), ("other", "")]
    {
        let why = both((one, &["get", "post"]), (other, &["POST"]));
        assert!(
            why.as_ref().is_some_and(|why| why.contains("share a route")),
            "{one}, {other}: {why:?}"
        );
    }
    assert!(both(("a", &["get"]), ("a", &[])).is_some(), "without methods it is all of them");
    for (one, other) in [("a/b", "a/c"), ("a/{x}", "a/b"), ("a/{x}", "a/{x:maxlength(3)}")] {
        assert_eq!(
            both((one, &["get"]), (other, &["get"])),
            None,
            "{one}, {other}: one of the two goes first"
        );
    }
    assert_eq!(both(("a", &["get"]), ("a", &["post"])), None);
}

#[test]
fn what_the_host_would_not_load_is_refused() {
    let two = json!({"bindings": [queue("one")["bindings"][0], queue("two")["bindings"][0]]});
    let enveloped = json!({"bindings": [http("a", &["get"])["bindings"][0]]});
    let mut started = timer("0 * * * * *");
    started["bindings"][0]["runOnStartup"] = true.into();
    let mut outward = queue("work");
    outward["bindings"][0]["direction"] = "out".into();
    for file in [
        json!({}),
        json!({"bindings": []}),
        two,
        enveloped,
        started,
        outward,
        timer("* * * * *"),
        timer("00:05:00"),
        http("{a", &[]),
    ] {
        assert!(refused(&host(), &[("work", file.clone())]).is_some(), "{file}");
    }
    for (place, value) in [
        ("/version", json!("1.0")),
        ("/customHandler/enableProxyingHttpRequest", json!(false)),
        ("/customHandler/description/defaultExecutablePath", json!("elsewhere")),
        ("/extensions/queues/messageEncoding", json!("base64")),
        ("/extensions/queues/messageEncoding", Value::Null),
    ] {
        let mut host = host();
        *host.pointer_mut(place).unwrap() = value;
        assert!(refused(&host, &[("work", queue("work"))]).is_some(), "{place}");
    }
    let mut host = host();
    host["extensions"]["queues"]["batchSize"] = 33.into();
    assert!(
        refused(&host, &[("work", queue("work"))]).is_some_and(|why| why.contains("batchSize"))
    );
}
