//! A path prefix before a server that knows nothing of it: taken off what is asked, and put before
//! every href of what is answered.
//!
//! As web servers are configured that have the server below a path: the root and the well-known
//! address lead there too.

use axum::body::{Body, Bytes};
use axum::http::{Response, Uri, header};
use hyper::body::Incoming;

/// How an href begins that is a path, under any namespace prefix.
const HREF: &str = "href>/";

/// The prefix of a request among these, and the path that the server knows; `None` where no prefix
/// matches.
pub(super) fn taken_off<'a>(uri: &Uri, prefixes: &'a [String]) -> Option<(&'a str, Uri)> {
    let path = uri.path();
    let below = |prefix: &'a String| match path.strip_prefix(prefix.as_str()) {
        Some("") => Some((prefix.as_str(), "/")),
        Some(rest) if rest.starts_with('/') => Some((prefix.as_str(), rest)),
        _ => None,
    };
    let found = prefixes.iter().filter_map(below).max_by_key(|(prefix, _)| prefix.len());
    let root = || {
        matches!(path, "/" | "/.well-known/caldav").then_some((prefixes.first()?.as_str(), path))
    };
    let (prefix, inner) = found.or_else(root)?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some((prefix, format!("{inner}{query}").parse().ok()?))
}

/// A body that was sent, with hrefs as the server knows them.
pub(super) fn asked(body: &Bytes, prefix: &str) -> Bytes {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace(&format!("href>{prefix}/"), HREF).into(),
        Err(_) => body.clone(),
    }
}

/// A response with hrefs as the client knows them.
pub(super) async fn answered(answer: Response<Incoming>, prefix: &str) -> Option<Response<Body>> {
    let (mut parts, body) = answer.into_parts();
    if let Some(location) = parts
        .headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .filter(|path| path.starts_with('/'))
    {
        let moved = format!("{prefix}{location}").parse().ok()?;
        parts.headers.insert(header::LOCATION, moved);
    }
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.ok()?;
    let body = match std::str::from_utf8(&body) {
        Ok(text) if parts.status == 207 => {
            Bytes::from(text.replace(HREF, &format!("href>{prefix}/")))
        }
        _ => body,
    };
    if parts.headers.contains_key(header::CONTENT_LENGTH) && parts.status == 207 {
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    Some(Response::from_parts(parts, Body::from(body)))
}
