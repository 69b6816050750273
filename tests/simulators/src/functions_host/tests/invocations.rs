//! What an answer of the handler comes to.

use std::time::Instant;

use serde_json::json;

use super::*;
use crate::functions_host::shared::Outcome;

/// The outcome of one invocation, the complaints, and the handlers that were to be killed.
async fn invoked(app: App, handler: &Handler) -> (Outcome, Vec<String>, Vec<u64>) {
    let (core, mut kills) = core(app, &handler.listen(0).await);
    let killed = Arc::new(Mutex::new(Vec::new()));
    let noted = killed.clone();
    tokio::spawn(async move {
        while let Some(kill) = kills.recv().await {
            noted.lock().unwrap().push(kill.generation);
            let _ = kill.dead.send(());
        }
    });
    let outcome = core.invoke(&queued("work"), &json!({"Data": {}})).await;
    let tally = core.tally("work");
    assert_eq!(
        (tally.succeeded, tally.failed),
        if outcome == Outcome::Succeeded { (1, 0) } else { (0, 1) }
    );
    let killed = killed.lock().unwrap().clone();
    (outcome, core.complaints(), killed)
}

fn short() -> App {
    App { timeout: Duration::from_millis(200), ..app() }
}

#[tokio::test]
async fn a_result_is_a_success() {
    assert_eq!(invoked(app(), &Handler::ready(DONE)).await, (Outcome::Succeeded, vec![], vec![]));
}

#[tokio::test]
async fn an_empty_result_hangs_until_the_time_is_up_and_costs_the_process() {
    for (status, body) in [(200, ""), (204, ""), (202, ""), (200, "null"), (200, " null\n")] {
        let begun = Instant::now();
        let (outcome, complaints, killed) = invoked(short(), &Handler::ready((status, body))).await;
        assert_eq!((outcome, killed), (Outcome::Failed, vec![7]), "{status} {body:?}");
        assert!(
            begun.elapsed() >= short().timeout,
            "{status} {body:?}: it came back after {:?}",
            begun.elapsed()
        );
        assert!(
            complaints.len() == 1 && complaints[0].contains("an empty result"),
            "{status} {body:?}: {complaints:?}"
        );
    }
}

#[tokio::test]
async fn a_result_that_is_no_json_is_a_failure_at_once() {
    for body in ["done", "<p>done</p>", "{", r#"{"Outputs":{},"Logs":[]} and more"#] {
        let (outcome, complaints, killed) = invoked(app(), &Handler::ready((200, body))).await;
        assert_eq!((outcome, killed), (Outcome::Failed, vec![]), "{body}");
        assert!(
            complaints.len() == 1 && complaints[0].contains("Invalid HttpResponseMessage"),
            "{body}: {complaints:?}"
        );
    }
}

/// A string that happens to be base64 would be decoded; no function of the product has a binding
/// for binary data.
#[tokio::test]
async fn outputs_are_a_mistake() {
    for body in [
        r#"{"Outputs":{"to":"abcd"},"Logs":[]}"#,
        r#"{"Outputs":{"to":"not base64!"},"Logs":[]}"#,
        r#"{"Logs":[]}"#,
    ] {
        let (outcome, complaints, _) = invoked(app(), &Handler::ready((200, body))).await;
        assert_eq!(outcome, Outcome::Failed, "{body}");
        assert!(
            complaints.len() == 1 && complaints[0].contains("outputs"),
            "{body}: {complaints:?}"
        );
    }
    let (outcome, complaints, _) =
        invoked(app(), &Handler::ready((200, r#"{"Outputs":{},"Logs":[{}]}"#))).await;
    assert!(
        outcome == Outcome::Failed && complaints[0].contains("no list of lines"),
        "{complaints:?}"
    );
}

/// That is how a handler asks for another attempt.
#[tokio::test]
async fn any_other_status_is_a_failure_and_no_mistake() {
    for status in [302, 400, 404, 500, 503] {
        assert_eq!(
            invoked(app(), &Handler::ready((status, DONE.1))).await,
            (Outcome::Failed, vec![], vec![]),
            "{status}"
        );
        assert_eq!(
            invoked(app(), &Handler::ready((status, ""))).await,
            (Outcome::Failed, vec![], vec![]),
            "{status}, and nothing"
        );
    }
}

#[tokio::test]
async fn an_invocation_that_runs_into_the_time_out_costs_the_process() {
    let (outcome, complaints, killed) = invoked(short(), &Handler::new(DONE.0, DONE.1, 0)).await;
    assert_eq!((outcome, killed), (Outcome::Failed, vec![7]));
    assert!(complaints.len() == 1 && complaints[0].contains("functionTimeout"), "{complaints:?}");
}

#[tokio::test]
async fn a_handler_that_is_gone_is_a_failure() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (core, _kills) = core(app(), &Url::parse(&format!("http://{closed}/")).unwrap());
    assert_eq!(core.invoke(&queued("work"), &json!({})).await, Outcome::Failed);
}
