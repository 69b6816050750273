//! The style sheet and the script. Their names hold the hash of their content, so that a browser may
//! keep them for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::{HeaderValue, header};

/// A file that pages refer to.
pub struct Asset {
    /// The path.
    pub path: String,
    kind: &'static str,
    content: &'static str,
}

pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css; charset=utf-8", include_str!("app.css")));
pub static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", "text/javascript; charset=utf-8", include_str!("app.js")));

impl Asset {
    fn new(suffix: &str, kind: &'static str, content: &'static str) -> Self {
        let hash = HEXLOWER.encode(&digest(&SHA256, content.as_bytes()).as_ref()[..8]);
        Self { path: format!("/app/assets/{hash}.{suffix}"), kind, content }
    }

    fn answer(&self) -> Response {
        let mut response = Response::new(Body::from(self.content));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let always = HeaderValue::from_static("public, max-age=31536000, immutable");
        headers.insert(header::CACHE_CONTROL, always);
        response
    }
}

/// The file under a path, if there is one.
pub fn find(path: &str) -> Option<Response> {
    [&*STYLE, &*SCRIPT].into_iter().find(|asset| asset.path == path).map(Asset::answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_are_small_and_refer_to_nothing() {
        assert!(STYLE.content.len() <= 8 * 1024, "{}", STYLE.content.len());
        assert!(SCRIPT.content.len() <= 1024, "{}", SCRIPT.content.len());
        for asset in [&*STYLE, &*SCRIPT] {
            assert!(!asset.content.contains("url(") && !asset.content.contains("://"));
        }
        assert!(!SCRIPT.content.contains("innerHTML"), "Trusted Types are enforced");
    }
}
