//! Several writes in one request: writes the change set of an entity group transaction, and reads
//! its answer.
//!
//! The format is nested `multipart/mixed` (OData 3, "Batch Processing"; "Performing entity group
//! transactions" says what the table service accepts): a batch with one change set, which holds one
//! HTTP request for each operation. All operations are carried out, or none. The answer has the
//! status 202 in both cases; a failed change set holds one answer, whose message begins with the
//! number of the operation.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::ServiceRefusal;
use crate::{Error, Op, Result};

/// The content type of the request. No line of JSON can begin like a boundary; Azurite expects
/// these prefixes of the boundaries.
pub(super) const CONTENT_TYPE: &str = "multipart/mixed; boundary=batch_rows";

/// The largest request that the service accepts.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// The most UTF-16 code units in one property (the service accepts 64 KiB).
const MAX_PROPERTY: usize = 32_000;

/// The property with the id of the commit that wrote the row.
pub(super) const WRITTEN_BY: &str = "W";

/// One operation of a change set.
pub(super) struct BatchOperation<'a> {
    /// The method of the request.
    pub op: &'a Op,
    /// The encoded key.
    pub key: String,
    /// The URL of the row; for an insert, of the table.
    pub address: String,
}

/// The request's body.
///
/// # Errors
/// [`Error::TooLarge`].
pub(super) fn write(partition: &str, by: &str, changes: &[BatchOperation<'_>]) -> Result<String> {
    let mut out = String::from(
        "--batch_rows\r\nContent-Type: multipart/mixed; boundary=changeset_rows\r\n\r\n",
    );
    for (index, change) in changes.iter().enumerate() {
        let (verb, condition) = match change.op {
            Op::Insert { .. } => ("POST", None),
            Op::Put { .. } => ("PUT", None),
            Op::Replace { etag, .. } => ("PUT", Some(etag.as_str())),
            Op::Delete { etag, .. } => ("DELETE", Some(etag.as_deref().unwrap_or("*"))),
        };
        out.push_str(
            "--changeset_rows\r\nContent-Type: \
        application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n",
        );
        out.push_str(&format!(
            "{verb} {} HTTP/1.1\r\nContent-ID: {index}\r\nAccept: \
            application/json;odata=minimalmetadata\r\n",
            change.address
        ));
        if let Some(condition) = condition {
            out.push_str(&format!("If-Match: {condition}\r\n"));
        }
        match change.op.value() {
            Some(value) => {
                out.push_str(
                    "Content-Type: application/json\r\nPrefer: \
                return-no-content\r\nDataServiceVersion: 3.0;\r\n\r\n",
                );
                out.push_str(&entity(partition, &change.key, by, value));
                out.push_str("\r\n");
            }
            None => out.push_str("\r\n\r\n"),
        }
    }
    out.push_str("--changeset_rows--\r\n--batch_rows--\r\n");
    if out.len() > MAX_BODY {
        return Err(Error::TooLarge(format!(
            "{} bytes as they would be sent, at most {MAX_BODY}",
            out.len()
        )));
    }
    Ok(out)
}

/// The entity of a row: the value in as many properties as it needs.
fn entity(partition: &str, key: &str, by: &str, value: &str) -> String {
    let mut properties = Map::new();
    for (name, text) in [("PartitionKey", partition), ("RowKey", key), (WRITTEN_BY, by)] {
        properties.insert(name.into(), text.into());
    }
    for (index, part) in parts(value).into_iter().enumerate() {
        properties.insert(part_name(index), part.into());
    }
    Value::Object(properties).to_string()
}

/// The property of a part of the value.
pub(super) fn part_name(index: usize) -> String {
    format!("V{index}")
}

/// The value in parts that each fit into a property; at least one.
fn parts(value: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut units) = (Vec::new(), 0, 0);
    for (at, c) in value.char_indices() {
        if units + c.len_utf16() > MAX_PROPERTY {
            parts.push(&value[begin..at]);
            (begin, units) = (at, 0);
        }
        units += c.len_utf16();
    }
    parts.push(&value[begin..]);
    parts
}

/// The outcome of a change set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BatchOutcome {
    /// Everything was written; the ETags are in the order of the operations, empty for a delete.
    Done(Vec<String>),
    /// Nothing was written, because of the operation with this number.
    Refused(usize, ServiceRefusal),
}

/// Reads the answer to a change set of `count` operations.
///
/// # Errors
/// [`Error::Failed`] if the body is not such an answer.
pub(super) fn read(body: &str, count: usize) -> Result<BatchOutcome> {
    let mut etags = Vec::with_capacity(count);
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let Some(status) = line.strip_prefix("HTTP/1.1 ") else { continue };
        let status: u16 =
            status.get(..3).and_then(|digits| digits.parse().ok()).ok_or_else(unreadable_answer)?;
        let headers = lines.by_ref().map(str::trim_end).take_while(|line| !line.is_empty());
        let etag = headers
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("etag"))
            .last();
        if status >= 300 {
            let rest: String = lines.take_while(|line| !line.starts_with("--")).collect();
            let (code, index) = error_message(&rest);
            return Ok(BatchOutcome::Refused(
                index.filter(|index| *index < count).unwrap_or(0),
                ServiceRefusal { status, code },
            ));
        }
        etags.push(etag.map(|(_, etag)| etag.trim().to_owned()).unwrap_or_default());
    }
    if etags.len() != count {
        return Err(unreadable_answer());
    }
    Ok(BatchOutcome::Done(etags))
}

fn unreadable_answer() -> Error {
    Error::Failed("the storage account's answer to a change set was not understood".into())
}

/// The code in the body of an error, and the number of the operation if the message begins with
/// one.
pub(super) fn error_message(body: &str) -> (String, Option<usize>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Body {
        #[serde(rename = "odata.error")]
        error: BatchPart,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct BatchPart {
        code: String,
        message: ODataMessage,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ODataMessage {
        value: String,
    }
    let Body { error } = serde_json::from_str(body).unwrap_or_default();
    let index =
        error.message.value.split_once(':').and_then(|(number, _)| number.trim().parse().ok());
    (error.code, index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_between_characters_into_what_a_property_holds() {
        for value in [
            "".to_owned(),
            "x".repeat(MAX_PROPERTY),
            "x".repeat(MAX_PROPERTY + 1),
            "📅".repeat(40_000),
            "é".repeat(100_000),
        ] {
            let parts = parts(&value);
            assert_eq!(parts.concat(), value);
            assert!(parts.iter().all(|part| part.encode_utf16().count() <= MAX_PROPERTY));
            assert_eq!(parts.len(), value.encode_utf16().count().div_ceil(MAX_PROPERTY).max(1));
        }
    }

    #[test]
    fn etags_are_in_the_order_of_the_operations() {
        let part = |etag: &str| {
            format!(
                "--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No \
                Content\r\nContent-ID: 1\r\n{etag}\r\n\r\n"
            )
        };
        let body = format!(
            "--b\r\n\r\n{}{}{}--c--\r\n--b--",
            part("ETag: W/\"a:b\"\r\n"),
            part(""),
            part("etag: x\r\n")
        );
        assert_eq!(
            read(&body, 3).unwrap(),
            BatchOutcome::Done(vec!["W/\"a:b\"".into(), String::new(), "x".into()])
        );
        assert!(read(&body, 2).is_err(), "an answer for each operation");
        assert!(read("", 1).is_err());
    }

    #[test]
    fn a_refusal_names_its_operation() {
        let error = r#"{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"7:The entity exists.\nRequestId:1"}}}"#;
        let body = format!(
            "--b\r\n\r\n--c\r\n\r\nHTTP/1.1 409 Conflict\r\nContent-Type: \
            application/json\r\n\r\n{error}\r\n--c--\r\n--b--"
        );
        let refusal = ServiceRefusal { status: 409, code: "EntityAlreadyExists".into() };
        assert_eq!(read(&body, 8).unwrap(), BatchOutcome::Refused(7, refusal.clone()));
        assert_eq!(
            read(&body, 7).unwrap(),
            BatchOutcome::Refused(0, refusal),
            "a number that cannot be is none"
        );
    }

    #[test]
    fn what_would_not_fit_into_a_request_is_refused_before_it_is_sent() {
        // Each quote takes two bytes in JSON.
        let op = Op::Put { key: "k".into(), value: "\"".repeat(MAX_BODY / 2) };
        let change =
            BatchOperation { op: &op, key: "k".into(), address: "http://127.0.0.1/t".into() };
        assert!(matches!(write("p", "w", &[change]), Err(Error::TooLarge(_))));
    }
}
