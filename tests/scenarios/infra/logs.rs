//! What the Functions host logs of requests: every one, with its status and duration, and none with
//! its query. The query of a consent's answer holds the code that tokens are given for, and that of
//! a link the ticket that connects an account.

use serde_json::{Value, json};

fn host() -> Value {
    serde_json::from_str(&std::fs::read_to_string(super::root().join("host.json")).unwrap())
        .unwrap()
}

/// Whether the host's logger writes lines of a category and a level: the longest prefix decides, as
/// in .NET.
fn written(logging: &Value, category: &str, level: &str) -> bool {
    const LEVELS: [&str; 7] =
        ["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"];
    let rank = |level: &str| LEVELS.iter().position(|known| *known == level).unwrap();
    let rules = logging["logLevel"].as_object().unwrap();
    let rule = rules
        .iter()
        .filter(|(prefix, _)| category.starts_with(prefix.as_str()))
        .max_by_key(|(prefix, _)| prefix.len());
    let least = rule.map_or(&rules["default"], |(_, least)| least);
    rank(level) >= rank(least.as_str().unwrap())
}

/// What is wrong with the host's logs.
fn findings(host: &Value) -> Vec<String> {
    let (logging, insights) = (&host["logging"], &host["logging"]["applicationInsights"]);
    let mut found = Vec::new();
    // Request telemetry is written by this category.
    if !written(logging, "Host.Results", "Information") {
        found.push("requests are not logged".to_owned());
    }
    let sampling = &insights["samplingSettings"];
    let excluded: Vec<&str> =
        sampling["excludedTypes"].as_str().unwrap_or_default().split(';').collect();
    if sampling["isEnabled"] != false && !excluded.contains(&"Request") {
        found.push("some requests are left out".to_owned());
    }
    if insights["httpAutoCollectionOptions"]["enableHttpTriggerExtendedInfoCollection"] != true {
        found.push("requests are logged without their status".to_owned());
    }
    // False is the default too, but a default is not ours.
    if insights["enableQueryStringTracing"] != false {
        found.push("queries are logged with requests".to_owned());
    }
    // A request that is handed on to the program is a dependency of the host's, by its whole
    // address.
    if insights["enableDependencyTracking"] != false {
        found.push("queries are logged with dependencies".to_owned());
    }
    // Each of these writes a line with the whole address for every request, at the level
    // Information.
    for category in [
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Yarp.ReverseProxy.Forwarder.HttpForwarder",
        "System.Net.Http.HttpClient",
    ] {
        if written(logging, category, "Information") {
            found.push(format!("queries are logged by {category}"));
        }
    }
    found
}

#[test]
fn every_request_is_logged_and_no_query() {
    assert_eq!(findings(&host()), Vec::<String>::new());
}

#[test]
fn a_host_that_logs_queries_or_no_requests_is_refused() {
    let refused = [
        ("/logging/logLevel/Host.Results", json!("Warning"), "requests are not logged"),
        (
            "/logging/applicationInsights/samplingSettings/excludedTypes",
            json!("Exception"),
            "some requests are left out",
        ),
        (
            "/logging/applicationInsights/httpAutoCollectionOptions/enableHttpTriggerExtendedInfoCollection",
            json!(false),
            "requests are logged without their status",
        ),
        (
            "/logging/applicationInsights/enableQueryStringTracing",
            json!(true),
            "queries are logged with requests",
        ),
        (
            "/logging/applicationInsights/enableDependencyTracking",
            json!(true),
            "queries are logged with dependencies",
        ),
        (
            "/logging/logLevel/Microsoft.AspNetCore",
            json!("Information"),
            "queries are logged by Microsoft.AspNetCore.Hosting.Diagnostics",
        ),
        (
            "/logging/logLevel/Yarp",
            json!("Debug"),
            "queries are logged by Yarp.ReverseProxy.Forwarder.HttpForwarder",
        ),
        (
            "/logging/logLevel/System.Net.Http",
            json!("Trace"),
            "queries are logged by System.Net.Http.HttpClient",
        ),
    ];
    for (path, value, finding) in refused {
        let mut host = host();
        *host.pointer_mut(path).unwrap_or_else(|| panic!("host.json says nothing at {path}")) =
            value;
        assert_eq!(findings(&host), [finding], "{path}");
    }
}
