//! Many calls in one request (`multipart/mixed`), answered in another order.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::api::api;
use super::asking::Asking;
use super::faults;
use super::reply::{Refusal, Reply};
use super::shared::Shared;
use crate::faults::Fault;

/// Google documents 1,000; what is in use everywhere, and safe, is 50.
const MOST: usize = 50;

pub(super) async fn serve(shared: &Arc<Shared>, request: &Asking) -> Reply {
    let calls = match parts(request) {
        Ok(calls) if calls.len() <= MOST => calls,
        Ok(calls) => {
            return refused(
                shared,
                &format!("{} calls in a batch, and {MOST} are allowed", calls.len()),
            );
        }
        Err(words) => return refused(shared, words),
    };
    let _writing = calls
        .iter()
        .any(|(_, call)| call.kind(shared.discovery).writes())
        .then(|| shared.meter.writing());
    let boundary = "batch_simulated";
    let mut body = String::new();
    // No client may rely on the order.
    for (id, call) in calls.iter().rev() {
        let reply = one(shared, call).await;
        body.push_str(&format!(
            "--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <response-{id}>\r\n\r\n"
        ));
        body.push_str(&format!("HTTP/1.1 {} Simulated\r\n", reply.status));
        for (name, value) in &reply.headers {
            body.push_str(&format!("{name}: {value}\r\n"));
        }
        body.push_str(&format!(
            "Content-Length: {}\r\n\r\n{}\r\n",
            reply.body.len(),
            String::from_utf8_lossy(&reply.body)
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    Reply { body: Bytes::from(body), ..Reply::status(200) }
        .header("content-type", format!("multipart/mixed; boundary={boundary}"))
}

fn refused(shared: &Arc<Shared>, words: &str) -> Reply {
    shared.write(|records| records.violation(format!("batch: {words}")));
    Refusal::new(400, "badRequest", words).reply()
}

/// One call inside. A broken line is a server's error here: the line is that of the batch.
async fn one(shared: &Arc<Shared>, call: &Asking) -> Reply {
    let kind = call.kind(shared.discovery);
    shared.meter.inside(kind);
    let fault = shared.faults.draw(&call.asked(kind));
    if let Some(Fault::Delay(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    let reply = match fault {
        Some(fault) if !fault.lets_through() && fault != Fault::EmptyListing => None,
        _ => Some(api(shared, call)),
    };
    match (fault, reply) {
        (None | Some(Fault::Delay(_)), Some(reply)) => reply,
        (Some(fault @ (Fault::EmptyListing | Fault::NoEnd)), Some(reply)) => {
            faults::spoilt(fault, reply)
        }
        (fault, _) => fault
            .and_then(|fault| faults::answer(fault, kind))
            .unwrap_or_else(|| Refusal::of_status(503).reply()),
    }
}

/// The calls inside, each with its id.
fn parts(request: &Asking) -> Result<Vec<(String, Asking)>, &'static str> {
    let kind = request.header("content-type").unwrap_or_default();
    let boundary = kind
        .strip_prefix("multipart/mixed")
        .and_then(|rest| rest.split(';').find_map(|part| part.trim().strip_prefix("boundary=")))
        .ok_or("the body is not said to be multipart/mixed with a boundary")?
        .trim_matches('"');
    let body = std::str::from_utf8(&request.body).map_err(|_| "the body is not UTF-8")?;
    let mut calls = Vec::new();
    let line = format!("--{boundary}");
    let mut pieces = body.split(line.as_str());
    pieces.next();
    for piece in pieces {
        if piece.starts_with("--") {
            return if calls.is_empty() { Err("a batch without calls") } else { Ok(calls) };
        }
        calls.push(part(piece, &request.headers)?);
    }
    Err("the end of the batch is missing")
}

fn part(piece: &str, outer: &HeaderMap) -> Result<(String, Asking), &'static str> {
    let piece = piece
        .strip_prefix("\r\n")
        .or_else(|| piece.strip_prefix('\n'))
        .ok_or("a boundary that does not end its line")?;
    let (head, inner) = halves(piece).ok_or("a part without an empty line after its head")?;
    let head = headers(head.lines());
    if head.get("content-type").is_none_or(|kind| kind != "application/http") {
        return Err("a part that is not said to be application/http");
    }
    let id = head
        .get("content-id")
        .and_then(|id| id.to_str().ok())
        .ok_or("a part without Content-ID")?;
    let id = id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'))
        .ok_or("a Content-ID without angle brackets")?
        .to_owned();
    let (head, body) = halves(inner).unwrap_or((inner.trim_end(), ""));
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(verb), Some(target)) = (first.next(), first.next()) else {
        return Err("a part without a request line");
    };
    let mut inner = headers(lines);
    for name in ["authorization"] {
        if let (None, Some(value)) = (inner.get(name), outer.get(name)) {
            inner.insert(name, value.clone());
        }
    }
    let target = target
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|slash| &rest[slash..]))
        .unwrap_or(target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = body.trim_end_matches(['\r', '\n']);
    let call = Asking {
        verb: verb.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: inner,
        body: Bytes::from(body.to_owned()),
    };
    Ok((id, call))
}

fn halves(text: &str) -> Option<(&str, &str)> {
    text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((
            HeaderName::from_bytes(name.trim().as_bytes()).ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        ))
    };
    lines.filter_map(pair).collect()
}
