//! What a client from outside reaches, and what the host does with a handler that cannot be
//! started.

use anyhow::Context as _;
use serde_json::Value;
use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use simulators::client::Client;
use simulators::functions_host::{App, HOST_KEY, Site, StorageQueues};

use crate::support::builder::Builder;
use crate::support::hosted_env::{environment, package};

#[tokio::test]
async fn nobody_outside_invokes_a_function() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let app = App::read(package("00:00:00")?.path())?;
    let outside = Client::new(env.host().url());
    let health = outside.send("GET", "/health", &[], "").await?;
    assert_eq!(health.status, 200, "{}", health.text());
    assert_eq!(
        serde_json::from_slice::<Value>(&health.body)?,
        serde_json::json!({"ok": true, "storage": true, "vault": true, "work": true})
    );
    assert_eq!(
        outside.send("GET", "/health?detail", &[], "").await?.status,
        403,
        "every request comes through the front"
    );
    assert_eq!(outside.send("GET", "/", &[], "").await?.status, 200);
    let ended = env.tally("sync_calendar").ended();
    for name in app.functions.keys().filter(|name| *name != "health") {
        for path in [
            format!("/{name}"),
            format!("/{name}/"),
            format!("//{name}"),
            format!("/./{name}"),
            format!("/health/../{name}"),
            format!("/%2e/{name}"),
        ] {
            for method in ["POST", "GET", "PUT"] {
                for key in [&[][..], &[("x-functions-key", HOST_KEY)]] {
                    assert_eq!(
                        outside
                            .send_exactly(method, &path, key, r#"{"Data":{"nudge":"x"}}"#)
                            .await?
                            .status,
                        404,
                        "{method} {path}"
                    );
                }
            }
        }
        assert_eq!(
            outside.send("POST", &format!("/admin/functions/{name}"), &[], "{}").await?.status,
            401,
            "that is the operator's"
        );
    }
    assert_eq!(outside.send("POST", "/health", &[], "").await?.status, 404);
    assert_eq!(env.tally("sync_calendar").ended(), ended);
    Ok(())
}

/// The operator has the key; without the key no request reaches the handler.
#[tokio::test]
async fn the_operator_is_told_more_by_a_function_with_a_key() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let outside = Client::new(env.host().url());
    for (path, headers) in [
        ("/health/detail", &[][..]),
        ("/health/detail?code=guess", &[]),
        ("/health/detail", &[("x-functions-key", "guess")]),
    ] {
        assert_eq!(outside.send("GET", path, headers, "").await?.status, 401, "{path}");
    }
    let by_query = outside.send("GET", &format!("/health/detail?code={HOST_KEY}"), &[], "").await?;
    assert_eq!(by_query.status, 200, "{}", by_query.text());
    let answer =
        outside.send("GET", "/health/detail", &[("x-functions-key", HOST_KEY)], "").await?;
    let document: Value = serde_json::from_slice(&answer.body)?;
    assert_eq!(
        (answer.status, &document["detail"]["pairs"]["ok"]),
        (200, &Value::from(1)),
        "{document}"
    );
    let checks: Vec<&str> = document["findings"]
        .as_array()
        .context("findings")?
        .iter()
        .filter_map(|one| one["check"].as_str())
        .collect();
    for check in [
        "settings",
        "storage:rows",
        "storage:queue",
        "storage:leases",
        "vault",
        "accounts",
        "work",
        "clock",
    ] {
        assert!(checks.contains(&check), "{check}: {document}");
    }
    assert!(!document.to_string().contains("anna"), "it names no account: {document}");
    Ok(())
}

/// Three attempts, and then the host gives up, with the reason in its log.
#[tokio::test]
async fn settings_that_cannot_be_used_end_the_handler_with_an_error() -> anyhow::Result<()> {
    let package = package("00:00:00")?;
    let app = App::read(package.path())?;
    let azurite = ("AzureWebJobsStorage", "UseDevelopmentStorage=true");
    let unreachable = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;QueueEndpoint=http://127.0.0.1:9/a;";
    for (settings, words) in [
        (vec![azurite, ("CALRELAY_STORE", "sqlite")], "CALRELAY_STORE"),
        (
            vec![azurite, ("CALRELAY_STORE", "embedded"), ("CALRELAY_POLL_SECONDS", "never")],
            "CALRELAY_POLL_SECONDS",
        ),
        (
            vec![("AzureWebJobsStorage", "c2VjcmV0"), ("CALRELAY_STORE", "azure")],
            "AzureWebJobsStorage",
        ),
    ] {
        let site = Site::new(app.clone(), environment(&settings))?;
        let error = site
            .start(StorageQueues::new(unreachable)?.into())
            .await
            .err()
            .context("it must not start")?
            .to_string();
        assert!(
            error.contains("ended 3 times, at last with exit status: 1") && error.contains(words),
            "{error}"
        );
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }
    Ok(())
}
