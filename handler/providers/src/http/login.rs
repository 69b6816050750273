//! Signing in with a name and a password: Basic (RFC 7617), and Digest (RFC 7616) where a server
//! takes nothing else.
//!
//! # Properties
//! * Basic is sent unasked. A server that answers 401 and names Digest alone is asked once more
//!   with Digest, and with Digest at once from then on: its nonce is used until the server says
//!   that it is stale or gives another.
//! * A password that was refused with a fresh nonce is wrong: it is not tried again.
//! * Of several challenges the strongest hash counts; integrity of bodies (`auth-int`) is never
//!   promised.
//! * A server that names only methods that are not known here is refused in words that name them.
//! * No password, no hash of one and no nonce is ever shown or logged.

use std::sync::{Mutex, PoisonError};

use http_auth::digest::{Algorithm, DigestClient, Qop};
use http_auth::{ChallengeRef, PasswordParams};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Error, Result};

/// The most challenges of one answer that are looked at.
const MOST: usize = 16;

/// A name and a password.
pub(super) struct Password {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// How an account signs in to its server, as far as the server has said.
#[derive(Default)]
pub(crate) struct Login(Mutex<Option<DigestClient>>);

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// What was sent of a digest, to judge the answer by.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct DigestSent {
    nonce: String,
    uses: u32,
}

/// What a 401 leads to.
pub(super) enum LoginStep {
    /// Nothing: the password is refused.
    Stop,
    /// The same with Basic.
    Basic,
    /// The same with this challenge, which no other request has answered, in the place of a nonce
    /// that is over.
    Digest(Box<DigestClient>, Option<DigestSent>),
}

impl Login {
    /// The `Authorization` of a request by Digest; `None` where the server has not asked for it.
    pub(super) fn digest(
        &self,
        who: &Password,
        method: &Method,
        url: &Url,
        next: LoginStep,
    ) -> Result<Option<(HeaderValue, DigestSent)>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut own, replaces) = match next {
            LoginStep::Digest(client, replaces) => (Some(*client), replaces),
            LoginStep::Stop | LoginStep::Basic => (None, None),
        };
        let Some(client) = own.as_mut().or(state.as_mut()) else { return Ok(None) };
        let uri = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let params = PasswordParams {
            username: &who.user,
            password: who.password.expose_secret(),
            uri: &uri,
            method: method.as_str(),
            body: None,
        };
        let text = zeroize::Zeroizing::new(client.respond(&params).map_err(|_| cannot_be_sent())?);
        let mut header = HeaderValue::from_str(&text).map_err(|_| cannot_be_sent())?;
        header.set_sensitive(true);
        let sent = DigestSent { nonce: client.nonce().to_owned(), uses: client.nonce_count() };
        // Another request may have brought a newer one meanwhile.
        let is_over = |known: &DigestClient| {
            replaces.as_ref().is_some_and(|replaces| known.nonce() == replaces.nonce)
        };
        if own.is_some() && state.as_ref().is_none_or(is_over) {
            *state = own;
        }
        Ok(Some((header, sent)))
    }

    /// After a 401: how the same request may be tried once more. `sent` is the digest that was
    /// refused, if it was one.
    ///
    /// # Errors
    /// [`Error::Credentials`] where the server names only methods that are not known here.
    pub(super) fn refused(
        &self,
        headers: &HeaderMap,
        sent: Option<&DigestSent>,
    ) -> Result<LoginStep> {
        let texts: Vec<&str> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let challenges: Vec<ChallengeRef<'_>> = texts
            .iter()
            .filter_map(|text| http_auth::parse_challenges(text).ok())
            .flatten()
            .take(MOST)
            .collect();
        let basic =
            challenges.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("Basic"));
        let digest = challenges.iter().filter_map(usable).max_by_key(strength);
        match (digest, sent) {
            // Basic was refused by a server that takes it: another method would not make the
            // password right.
            (_, None) if basic => Ok(LoginStep::Stop),
            (Some(client), None) => Ok(LoginStep::Digest(Box::new(client), None)),
            (Some(client), Some(sent))
                if client.nonce() != sent.nonce && (client.stale() || sent.uses > 1) =>
            {
                Ok(LoginStep::Digest(Box::new(client), Some(sent.clone())))
            }
            (Some(_), Some(_)) => Ok(LoginStep::Stop),
            (None, Some(_)) if basic => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(LoginStep::Basic)
            }
            (None, _) if challenges.is_empty() => Ok(LoginStep::Stop),
            (None, _) => Err(unknown(&challenges)),
        }
    }
}

/// A challenge that can be answered.
fn usable(challenge: &ChallengeRef<'_>) -> Option<DigestClient> {
    DigestClient::try_from(challenge).ok().filter(|client| client.qop() & Qop::Auth)
}

fn strength(client: &DigestClient) -> (bool, u8) {
    let hash = match client.algorithm() {
        Algorithm::Sha512Trunc256 | Algorithm::Sha256 => 1,
        _ => 0,
    };
    (!client.session(), hash)
}

fn unknown(challenges: &[ChallengeRef<'_>]) -> Error {
    let name = |challenge: &ChallengeRef<'_>| {
        let parameter = |wanted: &str| {
            let found = challenge.params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.to_unescaped()).filter(|value| is_word(value))
        };
        let scheme: String = challenge.scheme.chars().take(32).collect();
        match (scheme.eq_ignore_ascii_case("Digest"), parameter("algorithm"), parameter("qop")) {
            (true, Some(algorithm), _) if !algorithm.to_ascii_uppercase().starts_with("MD5") => {
                format!("{scheme} with {algorithm}")
            }
            (true, _, Some(qop)) => format!("{scheme} with {qop}"),
            _ => scheme,
        }
    };
    let mut names: Vec<String> = challenges.iter().map(name).collect();
    names.dedup();
    Error::Credentials(format!(
        "this server takes no password in a way that Calrelay knows: it offers {}, and Calrelay \
        knows Basic and Digest",
        names.join(", ")
    ))
}

/// Whether a server's text may be quoted in an error.
fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b',' | b' '))
}

fn cannot_be_sent() -> Error {
    Error::Credentials("the user name or password cannot be sent".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "Digest realm=\"r\", qop=\"auth\", nonce=\"n1\", opaque=\"o\"";

    fn headers(texts: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
        }
        headers
    }

    fn answer(login: &Login, next: LoginStep) -> Option<(String, DigestSent)> {
        let who = Password { user: "anna".into(), password: "secret".to_owned().into() };
        let url = Url::parse("https://example.org/dav/a%20b/?x=1").unwrap();
        let (header, sent) =
            login.digest(&who, &Method::from_bytes(b"PROPFIND").unwrap(), &url, next).unwrap()?;
        assert!(header.is_sensitive() && !format!("{header:?}{login:?}").contains("anna"));
        Some((header.to_str().unwrap().to_owned(), sent))
    }

    fn challenge(nonce: &str) -> String {
        NONCE.replace("n1", nonce)
    }

    #[test]
    fn a_nonce_is_used_until_another_is_given() {
        let login = Login::default();
        let refused =
            |text: &str, sent: Option<&DigestSent>| login.refused(&headers(&[text]), sent).unwrap();
        assert!(answer(&login, LoginStep::Stop).is_none(), "no server has asked for a digest");
        let (first, sent) = answer(&login, refused(NONCE, None)).unwrap();
        assert!(
            first.starts_with("Digest username=\"anna\"")
                && first.contains("uri=\"/dav/a%20b/?x=1\""),
            "{first}"
        );
        assert!(
            first.contains("nc=00000001")
                && first.contains("qop=auth")
                && first.contains("opaque=\"o\"")
                && !first.contains("secret")
        );
        assert!(
            matches!(refused(&challenge("n2"), Some(&sent)), LoginStep::Stop),
            "refused with the first use of its nonce: a wrong password"
        );
        let (second, twice) = answer(&login, LoginStep::Stop).unwrap();
        assert!(second.contains("nonce=\"n1\"") && second.contains("nc=00000002"));
        assert!(
            matches!(refused(NONCE, Some(&twice)), LoginStep::Stop),
            "the same nonce again says nothing new"
        );
        // The nonce may have ended: two requests find that at once, and each answers its own
        // challenge.
        let stale = format!("{}, stale=true", challenge("n4"));
        let (third, fourth) =
            (refused(&challenge("n3"), Some(&twice)), refused(&stale, Some(&sent)));
        let (third, fourth) = (answer(&login, third).unwrap().0, answer(&login, fourth).unwrap().0);
        assert!(third.contains("nonce=\"n3\"") && third.contains("nc=00000001"));
        assert!(fourth.contains("nonce=\"n4\"") && fourth.contains("nc=00000001"));
        assert!(
            answer(&login, LoginStep::Stop)
                .unwrap()
                .0
                .contains("nonce=\"n3\", algorithm=MD5, nc=00000002"),
            "the first that came stays"
        );
    }

    #[test]
    fn the_strongest_hash_counts_and_basic_is_no_second_try() {
        let sha = "Digest realm=\"r\", qop=\"auth, auth-int\", algorithm=SHA-256, nonce=\"s\"";
        let login = Login::default();
        for challenges in
            [&[NONCE, sha][..], &[sha, NONCE], &[&format!("{sha}, {NONCE}, Negotiate")]]
        {
            let next = login.refused(&headers(challenges), None).unwrap();
            assert!(answer(&login, next).unwrap().0.contains("algorithm=SHA-256"));
        }
        let stops = |texts: &[&str]| {
            matches!(Login::default().refused(&headers(texts), None), Ok(LoginStep::Stop))
        };
        assert!(stops(&["Basic realm=\"r\"", NONCE]) && stops(&[]));
        // What cannot be read as challenges says nothing.
        assert!(stops(&["=,=", "\"", ""]));
        let (_, sent) = answer(&login, LoginStep::Stop).unwrap();
        assert!(
            matches!(
                login.refused(&headers(&["Basic realm=\"r\""]), Some(&sent)),
                Ok(LoginStep::Basic)
            ),
            "the server has changed its ways"
        );
        assert!(answer(&login, LoginStep::Stop).is_none());
    }

    #[test]
    fn methods_that_are_not_known_are_named() {
        let said = |texts: &[&str]| match Login::default().refused(&headers(texts), None) {
            Err(Error::Credentials(words)) => words,
            _ => panic!("not refused"),
        };
        assert!(
            said(&["Negotiate", "Bearer realm=\"x\""]).contains("it offers Negotiate, Bearer,")
        );
        assert!(
            said(&["Digest realm=\"r\", qop=\"auth-int\", nonce=\"n\""])
                .contains("it offers Digest with auth-int,")
        );
        assert!(
            said(&["Digest realm=\"r\", algorithm=SHA-3, nonce=\"n\""])
                .contains("it offers Digest with SHA-3,")
        );
    }
}
