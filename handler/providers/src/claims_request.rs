//! Claims that a provider demands of the next sign-in (OpenID Connect Core 1.0, section 5.5).
//!
//! A provider refuses a token because the sign-in lacked something, a second factor for example,
//! and says so in a JSON object. The next request for consent repeats the object as it is.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use serde_json::Value;

/// The longest claims that are kept, in bytes: they become part of an address.
const LONGEST: usize = 2 * 1024;

/// A JSON object that is sent with the next request for consent. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsRequest(String);

impl ClaimsRequest {
    /// Claims as JSON; `None` for what is no object, or is too long for an address.
    pub fn parse(json: &str) -> Option<Self> {
        if json.len() > LONGEST {
            return None;
        }
        let object: Value = serde_json::from_str(json).ok()?;
        object.as_object().filter(|object| !object.is_empty())?;
        Some(Self(object.to_string())).filter(|claims| claims.0.len() <= LONGEST)
    }

    /// The claims in a `WWW-Authenticate` header with `error="insufficient_claims"`, where they are
    /// in base64 of either alphabet.
    pub fn from_challenge(header: &str) -> Option<Self> {
        let parameter = |name: &str| {
            let begin = header.match_indices(name).find_map(|(at, _)| {
                let is_name = header[..at].ends_with([' ', ',', '\t']) || at == 0;
                let rest = header[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
                is_name.then_some(rest)
            })?;
            match begin.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => begin.split([',', ' ']).next(),
            }
        };
        if parameter("error") != Some("insufficient_claims") {
            return None;
        }
        let encoded = parameter("claims").filter(|text| text.len() <= 2 * LONGEST)?;
        let decoded = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
            .iter()
            .find_map(|form| form.decode(encoded.as_bytes()).ok())?;
        Self::parse(std::str::from_utf8(&decoded).ok()?)
    }

    /// The claims as JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// These claims and `other` in one object; where they contradict each other, or would be too
    /// long together, these.
    pub fn with(self, other: &Self) -> Self {
        let [Ok(mut own), Ok(more)] =
            [&self.0, &other.0].map(|json| serde_json::from_str::<Value>(json))
        else {
            return self;
        };
        merge(&mut own, more);
        let both = own.to_string();
        if both.len() <= LONGEST { Self(both) } else { self }
    }
}

fn merge(own: &mut Value, more: Value) {
    if let (Value::Object(own), Value::Object(more)) = (own, more) {
        for (name, value) in more {
            match own.get_mut(&name) {
                Some(known) => merge(known, value),
                None => drop(own.insert(name, value)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER_BEFORE: &str =
        r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

    fn claims(json: &str) -> ClaimsRequest {
        ClaimsRequest::parse(json).unwrap()
    }

    #[test]
    fn claims_are_an_object_of_a_bounded_length() {
        assert_eq!(claims(NEVER_BEFORE).as_str(), NEVER_BEFORE);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST));
        for wrong in ["", "{", "{}", "[]", "\"a\"", "null", "{\"a\":1}x", &long] {
            assert_eq!(ClaimsRequest::parse(wrong), None, "{wrong:.40}");
        }
    }

    #[test]
    fn a_challenge_holds_claims_in_either_alphabet() {
        for form in [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD] {
            let header = format!(
                r#"Bearer realm="", authorization_uri="https://x/authorize", client_id="c", errorDescription="no", error="insufficient_claims", claims="{}""#,
                form.encode(NEVER_BEFORE.as_bytes())
            );
            assert_eq!(ClaimsRequest::from_challenge(&header), Some(claims(NEVER_BEFORE)));
        }
        let encoded = BASE64.encode(NEVER_BEFORE.as_bytes());
        assert_eq!(
            ClaimsRequest::from_challenge(&format!(
                "Bearer error=insufficient_claims, claims={encoded}"
            )),
            Some(claims(NEVER_BEFORE))
        );
        for other in [
            "Bearer".to_owned(),
            format!(r#"Bearer error="invalid_token", claims="{encoded}""#),
            format!(r#"Bearer claims="{encoded}""#),
            r#"Bearer error="insufficient_claims""#.to_owned(),
            r#"Bearer error="insufficient_claims", claims="%%%""#.to_owned(),
            format!(r#"Bearer error="insufficient_claims", claims="{}""#, BASE64.encode(b"[]")),
            format!(r#"Bearer error="insufficient_claims", claims="{}""#, BASE64.encode(b"\xff")),
        ] {
            assert_eq!(ClaimsRequest::from_challenge(&other), None, "{other}");
        }
    }

    #[test]
    fn claims_of_two_refusals_are_asked_for_together() {
        let policy = claims(r#"{"access_token":{"capolids":{"values":["a"]}},"id_token":{}}"#);
        let both = claims(NEVER_BEFORE).with(&policy);
        let together: Value = serde_json::from_str(both.as_str()).unwrap();
        assert_eq!(together["access_token"]["nbf"]["value"], "1604106651");
        assert_eq!(together["access_token"]["capolids"]["values"][0], "a");
        let other = claims(r#"{"access_token":{"nbf":{"value":"1"}}}"#);
        assert_eq!(claims(NEVER_BEFORE).with(&other), claims(NEVER_BEFORE), "its own come first");
        let long = claims(&format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST - 20)));
        assert_eq!(claims(NEVER_BEFORE).with(&long), claims(NEVER_BEFORE));
    }
}
