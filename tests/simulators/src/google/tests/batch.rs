//! Many calls in one request.

use super::*;
use crate::faults::{Fault, On};
use crate::traffic::Kind;

/// One part of an answer: its Content-ID, its status, its body.
type Part = (String, u16, Value);

impl World {
    async fn batch(&self, calls: &[String]) -> (u16, Vec<Part>) {
        let mut body = String::new();
        for (n, call) in calls.iter().enumerate() {
            body += &format!(
                "--b0\r\nContent-Type: application/http\r\nContent-ID: <item-{n}>\r\n\r\n{call}\r\n"
            );
        }
        let bearer = format!("Bearer {}", self.token);
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "multipart/mixed; boundary=b0")];
        let answer = self
            .client
            .send("POST", "/batch/calendar/v3", &headers, body + "--b0--\r\n")
            .await
            .unwrap();
        let boundary = answer
            .header("content-type")
            .split_once("boundary=")
            .map(|(_, boundary)| format!("--{boundary}"));
        let text = answer.text();
        let part = |piece: &str| {
            let id =
                piece.split_once("Content-ID: <").unwrap().1.split('>').next().unwrap().to_owned();
            let (_, inner) = piece.split_once("\r\n\r\nHTTP/1.1 ").unwrap();
            let body = inner.split_once("\r\n\r\n").unwrap().1;
            (id, inner[..3].parse().unwrap(), serde_json::from_str(body.trim()).unwrap_or_default())
        };
        let pieces = boundary.map(|boundary| {
            text.split(boundary.as_str()).filter(|p| p.contains("HTTP/1.1")).map(part).collect()
        });
        (answer.status, pieces.unwrap_or_default())
    }

    fn call(&self, verb: &str, rest: &str, headers: &str, body: &str) -> String {
        let path = self.events(rest);
        format!(
            "{verb} /calendar/v3/{path} HTTP/1.1\r\nContent-Type: \
            application/json\r\n{headers}\r\n{body}"
        )
    }
}

#[tokio::test]
async fn every_call_has_its_own_answer_in_another_order() {
    let w = world().await;
    let etag = w.work.put("lunch1", at_ten(11, "Lunch"));
    let calls = [
        w.call(
            "PATCH",
            "/lunch1?sendUpdates=none",
            &format!("If-Match: {etag}\r\n"),
            r#"{"summary":"Dinner"}"#,
        ),
        w.call(
            "PATCH",
            "/lunch1?sendUpdates=none",
            "If-Match: \"old\"\r\n",
            r#"{"summary":"Tea"}"#,
        ),
        w.call("GET", "/lunch1", "", "").replace("Content-Type: application/json\r\n", ""),
        w.call("POST", "?sendUpdates=none", "", &at_ten(12, "New").to_string()),
        w.call("DELETE", "/never1", "", ""),
    ];
    w.server.reset_counts();
    let (status, parts) = w.batch(&calls).await;
    assert_eq!(status, 200);
    let seen: Vec<(&str, u16)> =
        parts.iter().map(|(id, status, _)| (id.as_str(), *status)).collect();
    // From the last to the first: the etag that came along was right only as long as nothing had
    // changed.
    assert_eq!(
        seen,
        [
            ("response-item-4", 404),
            ("response-item-3", 200),
            ("response-item-2", 200),
            ("response-item-1", 412),
            ("response-item-0", 200)
        ]
    );
    assert_eq!(parts[2].2["summary"], "Lunch");
    assert_eq!(w.work.get("lunch1").unwrap()["summary"], "Dinner");
    let counts = w.server.counts();
    assert_eq!(
        (
            counts.total(),
            counts.of(Kind::Batch),
            counts.batched(Kind::Patch),
            counts.batched(Kind::Insert)
        ),
        (1, 1, 2, 1)
    );
    w.clean();
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let w = world().await;
    let get = w.call("GET", "", "", "").replace("Content-Type: application/json\r\n", "");
    assert_eq!(w.batch(&vec![get.clone(); 50]).await.1.len(), 50);
    w.clean();
    assert_eq!(w.batch(&vec![get; 51]).await.0, 400);
    assert_eq!(w.batch(&[]).await.0, 400);
    assert_eq!(w.batch(&["nonsense".to_owned()]).await.0, 400);
    assert_eq!(w.server.violations().len(), 3);
}

#[tokio::test]
async fn calls_inside_cost_quota_and_meet_faults_one_by_one() {
    let w = world().await;
    let insert =
        |title: &str| w.call("POST", "?sendUpdates=none", "", &at_ten(12, title).to_string());
    w.server.faults().after(1, 1, On::kind(Kind::Insert), Fault::Status(503));
    w.server.faults().after(
        1,
        1,
        On::kind(Kind::Insert),
        Fault::Refused { status: 403, reason: "rateLimitExceeded" },
    );
    let (_, parts) = w.batch(&[insert("a"), insert("b"), insert("c")]).await;
    assert_eq!(parts.iter().map(|(_, status, _)| *status).collect::<Vec<_>>(), [200, 503, 403]);
    assert_eq!(w.work.len(), 1);
    w.server.faults().next(On::kind(Kind::Insert), Fault::DropAfter);
    assert_eq!(w.batch(&[insert("d")]).await.1[0].1, 503);
    assert_eq!(w.work.len(), 2, "done, without a response");
    w.server.manners(|m| m.quotas.user = 5);
    let (_, parts) = w.batch(&[insert("e"), insert("f"), insert("g"), insert("h")]).await;
    assert_eq!(parts.iter().filter(|(_, status, _)| *status == 403).count(), 1, "{parts:?}");
    assert_eq!((w.server.refused_by_quota(), w.server.busiest_minute()), (1, 6));
}
