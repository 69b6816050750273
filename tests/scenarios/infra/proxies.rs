//! What the pages for operators advise for a proxy in front: it is known to the app, the app is known to it,
//! and it neither trusts what clients write nor logs queries.

/// What is wrong with the advice.
fn findings(home: &str, azure: &str) -> Vec<String> {
    let mut found = Vec::new();
    let home_says = [
        ("the proxy is on the loopback", "proxy_pass http://127.0.0.1:7071;"),
        ("X-Forwarded-For is written anew", "proxy_set_header X-Forwarded-For $remote_addr;"),
        ("no query is logged", "access_log /var/log/nginx/calrelay.log without_query;"),
        ("the public address is set", "`CALRELAY_PUBLIC_URL` is set"),
        ("Cloudflare verifies the proxy", "mode is *Full (strict)*"),
        ("the proxy verifies Cloudflare", "ssl_verify_client on;"),
    ];
    let azure_says = [
        ("Cloudflare verifies the app", "set the mode *Full (strict)*"),
        ("the app verifies Cloudflare's addresses", "into `allowedNetworks`"),
        ("the app verifies the zone", "`X-Azure-FDID`"),
    ];
    for (text, wanted) in [(home, &home_says[..]), (azure, &azure_says[..])] {
        found.extend(
            wanted
                .iter()
                .filter(|(_, words)| !text.contains(words))
                .map(|(what, _)| format!("not advised: {what}")),
        );
        for (what, words) in [
            ("a mode that verifies nothing", "with the mode *Full*"),
            ("what a client sends", "$proxy_add_x_forwarded_for"),
        ] {
            if text.contains(words) {
                found.push(format!("advised: {what}"));
            }
        }
    }
    let format = home.lines().find(|line| line.starts_with("log_format without_query"));
    if format.is_none_or(|format| {
        format.contains("$request ")
            || format.contains("$request'")
            || format.contains("request_uri")
            || format.contains("$args")
    }) {
        found.push("advised: a log with queries".to_owned());
    }
    found
}

fn pages() -> [String; 2] {
    ["handler/operating.md", "infra/README.md"]
        .map(|path| std::fs::read_to_string(super::root().join(path)).unwrap())
}

#[test]
fn both_sides_of_a_proxy_are_verified() {
    let [home, azure] = pages();
    assert_eq!(findings(&home, &azure), Vec::<String>::new());
}

#[test]
fn advice_that_verifies_nothing_is_refused() {
    let [home, azure] = pages();
    assert_eq!(
        findings(&home.replace("$remote_addr;", "$proxy_add_x_forwarded_for;"), &azure).len(),
        2
    );
    assert_eq!(
        findings(&home.replace("$request_method $uri", "$request "), &azure),
        ["advised: a log with queries"]
    );
    assert_eq!(
        findings(&home, &azure.replace("set the mode *Full (strict)*", "go with the mode *Full*"))
            .len(),
        2
    );
    assert_eq!(
        findings(&home.replace("ssl_verify_client on", "ssl_verify_client off"), &azure),
        ["not advised: the proxy verifies Cloudflare"]
    );
}
