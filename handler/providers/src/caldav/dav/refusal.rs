//! Refusals: a status, and the conditions that the body names (RFC 4918 section 16).

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use reqwest::StatusCode;

use super::super::multistatus;
use crate::http::{self, HttpAnswer};
use crate::{Error, Result};

/// The largest explanation of a refusal that is read.
pub(super) const MAX_REFUSAL: u64 = 64 << 10;

/// A refusal by the server.
#[derive(Debug)]
pub(in super::super) struct DavRefusal {
    pub status: StatusCode,
    /// The conditions that it names (RFC 4918 section 16), by their local names.
    pub conditions: Vec<String>,
    host: String,
}

impl DavRefusal {
    /// Whether there is no resource under the address.
    pub(in super::super) fn is_gone(&self) -> bool {
        matches!(self.status.as_u16(), 404 | 410)
    }

    pub(in super::super) fn has_condition(&self, condition: &str) -> bool {
        self.conditions.iter().any(|name| name == condition)
    }

    /// The error of the status alone.
    pub(in super::super) fn error(&self) -> Error {
        http::refusal(self.status, &self.host)
    }
}

pub(super) async fn refused(answer: HttpAnswer) -> Result<DavRefusal> {
    let (status, host) = (answer.status(), answer.host().to_owned());
    let body = answer.bytes(MAX_REFUSAL).await.ok().flatten().unwrap_or_default();
    Ok(DavRefusal { status, conditions: conditions(&body), host })
}

/// The names of the conditions in a refusal's body: the children of `DAV:error`. Other content of
/// the body is, it names none.
pub(super) fn conditions(body: &[u8]) -> Vec<String> {
    let mut reader = NsReader::from_reader(body);
    let (mut depth, mut found, mut buffer) = (0_usize, Vec::new(), Vec::new());
    loop {
        buffer.clear();
        let (start, opens) = match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => (start, true),
            Ok(Event::Empty(start)) => (start, false),
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => continue,
        };
        let (namespace, local) = reader.resolver().resolve_element(start.name());
        let is_error = matches!(namespace, ResolveResult::Bound(ns) if ns.into_inner() == multistatus::DAV)
            && local.into_inner() == "error";
        if depth == 0 && !is_error {
            return found;
        }
        if depth == 1 && found.len() < 16 {
            found.push(local.into_inner().to_owned());
        }
        depth += usize::from(opens);
    }
}
