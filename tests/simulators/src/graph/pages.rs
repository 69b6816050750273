//! What the pages of Entra have in common.

use url::Url;

use super::asking::value;
use super::reply::Reply;

/// A page that shows an error: of an address that is wrong nothing is sent to the client.
pub(super) fn trouble(words: &str) -> Reply {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    Reply::html(
        400,
        format!(
            "<title>Sign in to your account</title><p>Sorry, but we\u{2019}re having trouble signing you in.<p>{words}"
        ),
    )
}

/// A text as an attribute's value.
pub(super) fn quoted(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// The way back to the client. Both kinds of refusal keep the words in `error_description` alone.
pub(super) fn back(asked: &[(String, String)], with: &[(&str, &str)]) -> Reply {
    let Some(mut url) = value(asked, "redirect_uri").and_then(|uri| Url::parse(uri).ok()) else {
        return trouble("no redirect_uri");
    };
    {
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(with);
        if let Some(state) = value(asked, "state") {
            pairs.append_pair("state", state);
        }
    }
    Reply::status(302).header("location", url.to_string())
}
