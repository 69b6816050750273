//! Many reads as one request (<https://developers.google.com/workspace/calendar/api/guides/batch>):
//! `multipart/mixed`, a request in each part.
//!
//! It saves round trips, no quota: each part counts. Parts may come back in any order and each has
//! its own status. What does not come back whole is asked for by itself, so that a batch is never
//! worth less than its parts.
//!
//! # Why writes are not batched
//! Reads are bound by the way to Google and back: fifty series in one request instead of fifty.
//! Writes are not. To one calendar they begin at most every 200 ms, one after the other; at 80 ms
//! an answer each is over before the next may begin, so that 5,000 copies take 16 minutes and 40
//! seconds by themselves, and would take as long as 1,000 batches of five: 4,000 requests saved, no
//! unit of a quota, no second. (Where an answer takes longer than 200 ms batches would be quicker:
//! at 400 ms the same copies take 33 minutes by themselves.) For that, the parts of a batch run in
//! any order and, as others report of calendars and of other services, at once, and are refused one
//! by one for being too fast, which is what taking turns is to prevent; and a batch whose answer is
//! lost leaves all its writes to be looked for instead of one.

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use url::Url;

use super::api::{Api, ApiCall, ApiReply, Given};
use super::errors::GoogleRefusal;
use crate::{Error, Result};

/// Requests in one batch: Google allows more and slows down.
pub(super) const MOST: usize = 50;
/// So many answers may be lost; each may take as long as a request may.
const MOST_LOST: usize = 10;
const BOUNDARY: &str = "calrelay-batch";

impl Api {
    /// Reads several addresses, in one request where there are at least two; the answers in the
    /// order of the questions. Where one of them has none, that is its own answer.
    pub(super) async fn read_all(&self, urls: Vec<Url>) -> Result<Vec<Result<ApiReply>>> {
        let mut replies = Vec::with_capacity(urls.len());
        let mut lost = 0;
        for urls in urls.chunks(MOST) {
            let mut together: Vec<Option<ApiReply>> =
                if urls.len() > 1 { self.together(urls).await? } else { Vec::new() };
            for (at, url) in urls.iter().enumerate() {
                let reply = match together.get_mut(at).and_then(Option::take) {
                    Some(reply) => Ok(reply),
                    None => match self.call(&ApiCall::list(url.clone())).await {
                        Err(error) if is_lost(&error) && lost < MOST_LOST => {
                            lost += 1;
                            Err(error)
                        }
                        reply => Ok(reply?),
                    },
                };
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    async fn together(&self, urls: &[Url]) -> Result<Vec<Option<ApiReply>>> {
        let content_type = HeaderValue::from_static("multipart/mixed; boundary=calrelay-batch");
        let units = u32::try_from(urls.len()).unwrap_or(1);
        let call = ApiCall::batch(self.addresses.batch(), content_type, body(urls), units);
        match self.call(&call).await {
            Ok(ApiReply::Given(given)) => Ok(parts(&given, urls.len())),
            // An error of the batch need not be an error of its parts.
            Ok(ApiReply::Refused(_)) => Ok(Vec::new()),
            Err(error) if is_lost(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Whether an answer did not come, or not whole.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::NoAnswer(_) | Error::Unreachable(_) | Error::BadAnswer(_))
}

fn body(urls: &[Url]) -> Vec<u8> {
    let mut body = String::new();
    for (at, url) in urls.iter().enumerate() {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <item-{at}>\r\n\r\nGET \
            {target} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    body.into_bytes()
}

/// The answers of a batch by the number of their question; `None` for what is missing, cannot be
/// read, asks to wait, or concerns the account.
fn parts(given: &Given, count: usize) -> Vec<Option<ApiReply>> {
    let mut replies: Vec<Option<ApiReply>> = (0..count).map(|_| None).collect();
    let Some(boundary) = boundary(&given.content_type) else { return replies };
    let delimiter = format!("--{boundary}");
    let mut lines = BatchLines(&given.body);
    let mut begun = false;
    let mut from = given.body.len();
    // A delimiter is at the beginning of a line; JSON has no line that begins with two hyphens
    // and this.
    loop {
        let here = given.body.len() - lines.0.len();
        let Some(line) = lines.next() else { break };
        if !line.starts_with(delimiter.as_bytes()) {
            continue;
        }
        if begun
            && let Some((at, reply)) = part(&given.body[from..here])
            && let Some(place) = replies.get_mut(at)
        {
            *place = Some(reply);
        }
        if line[delimiter.len()..].starts_with(b"--") {
            break;
        }
        begun = true;
        from = given.body.len() - lines.0.len();
    }
    replies
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

/// One part: its own headers, and an answer with a head of its own.
fn part(bytes: &[u8]) -> Option<(usize, ApiReply)> {
    let mut lines = BatchLines(bytes);
    let id = header(&mut lines, "content-id")?;
    let at: usize = id.trim_matches(['<', '>']).rsplit_once("item-")?.1.parse().ok()?;
    let status = lines.next()?;
    let status = std::str::from_utf8(status).ok()?.strip_prefix("HTTP/")?.split(' ').nth(1)?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let content_type = header(&mut lines, "content-type").unwrap_or_default();
    let body = lines.0;
    if status.is_success() {
        return Some((at, ApiReply::Given(Given { content_type, body: body.to_vec() })));
    }
    let refusal = GoogleRefusal::new(status, "Google", body);
    let again = status.is_server_error()
        || matches!(status.as_u16(), 401 | 429)
        || refusal.quota(None).is_some()
        || refusal.is_about_consent();
    (!again).then_some((at, ApiReply::Refused(refusal)))
}

/// Reads headers up to the blank line behind them; the value of one of them, empty where it is not
/// there. `None` where they do not end.
fn header(lines: &mut BatchLines<'_>, wanted: &str) -> Option<String> {
    let mut found = String::new();
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            return Some(found);
        }
        if let Some((name, value)) =
            std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'))
            && name.trim().eq_ignore_ascii_case(wanted)
        {
            value.trim().clone_into(&mut found);
        }
    }
}

/// Lines, whichever way they end; what is left is the rest.
struct BatchLines<'a>(&'a [u8]);

impl<'a> Iterator for BatchLines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|b| *b == b'\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "--batch_x\r\nContent-Type: application/http\r\nContent-ID: \
    <response-item-1>\r\n\r\n\
        HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Type: application/json; \
        charset=UTF-8\r\n\r\n{\r\n \"id\": \"b\"\r\n}\r\n\r\n\
        --batch_x\r\nContent-Type: application/http\r\nContent-ID: response-item-0\r\n\r\n\
        HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}\r\n\
        --batch_x\r\nContent-ID: <response-item-2>\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n\
        {\"error\":{\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}\r\n--batch_x--";

    fn given(body: &str) -> Given {
        Given {
            content_type: "multipart/mixed; boundary=\"batch_x\"".into(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn answers_are_found_by_their_number() {
        let found = parts(&given(ANSWER), 4);
        assert!(matches!(&found[0], Some(ApiReply::Refused(refusal)) if refusal.is_gone()));
        let Some(ApiReply::Given(second)) = &found[1] else { panic!() };
        assert_eq!(second.json::<serde_json::Value>().unwrap()["id"], "b");
        assert!(found[2].is_none(), "a part that is asked to wait is requested again alone");
        assert!(found[3].is_none(), "and so is a part that was left out");
    }

    #[test]
    fn who_may_be_answered_better_is_asked_by_itself() {
        let answer = |status: &str| {
            let body = format!(
                "--batch_x\r\nContent-ID: <response-item-0>\r\n\r\nHTTP/1.1 \
                {status}\r\n\r\n{{}}\r\n--batch_x--"
            );
            parts(&given(&body), 1).remove(0)
        };
        for passing in [
            "401 Unauthorized",
            "429 Too Many Requests",
            "500 Internal Server Error",
            "503 Service Unavailable",
            "nonsense",
        ] {
            assert!(answer(passing).is_none(), "{passing}");
        }
        for lasting in ["400 Bad Request", "403 Forbidden", "404 Not Found", "410 Gone"] {
            assert!(matches!(answer(lasting), Some(ApiReply::Refused(_))), "{lasting}");
        }
    }

    #[test]
    fn answers_to_what_was_not_asked_are_passed_over_and_the_last_of_two_counts() {
        let part = |id: &str, body: &str| {
            format!("--batch_x\r\nContent-ID: {id}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{body}\r\n")
        };
        let strange = [
            "<response-item-7>",
            "<response-item-99999999999999999999>",
            "<item>",
            "<response-item--1>",
            "",
        ];
        let mut body: String = strange.iter().map(|id| part(id, "{}")).collect();
        body.push_str(&part("<response-item-0>", "1"));
        body.push_str(&part("<response-item-0>", "2"));
        body.push_str("--batch_x--");
        let found = parts(&given(&body), 2);
        assert!(
            matches!(&found[0], Some(ApiReply::Given(given)) if given.json::<u8>().is_ok_and(|n| n == 2))
        );
        assert!(found[1].is_none());
    }

    #[test]
    fn a_question_is_written_with_its_whole_address() {
        let url =
            Url::parse("https://example.org/calendar/v3/calendars/a%23b/events/c?fields=id,etag")
                .unwrap();
        let body = String::from_utf8(body(&[url])).unwrap();
        assert!(
            body.contains("GET /calendar/v3/calendars/a%23b/events/c?fields=id,etag HTTP/1.1\r\n"),
            "{body}"
        );
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(cut in 0..ANSWER.len(), noise in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut body = ANSWER.as_bytes()[..cut].to_vec();
            body.extend(noise);
            parts(&Given { body, ..given("") }, 3);
        }
    }
}
