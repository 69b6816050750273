//! Proof Key for Code Exchange (RFC 7636), method S256.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// A new verifier: 32 random bytes as 43 characters (section 4.1).
pub(super) fn verifier() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    rand::fill(&mut *bytes)
        .map_err(|_| Error::Unreachable("the system gives no random numbers".into()))?;
    Ok(BASE64URL_NOPAD.encode(&*bytes).into())
}

/// The challenge of a verifier (section 4.2).
pub(super) fn challenge(verifier: &SecretString) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, verifier.expose_secret().as_bytes()).as_ref())
}

/// The nonce of the request with this verifier (OpenID Connect Core 1.0, section 15.5.2): the
/// program that redeems the code can compute it, and the verifier does not follow from it.
pub(super) fn nonce(verifier: &SecretString) -> String {
    let text = Zeroizing::new(format!("nonce {}", verifier.expose_secret()));
    BASE64URL_NOPAD.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_nonce_belongs_to_its_verifier_and_is_not_the_challenge() {
        let [one, other] = [verifier().unwrap(), verifier().unwrap()];
        assert_eq!(nonce(&one), nonce(&one));
        assert!(nonce(&one) != nonce(&other) && nonce(&one) != challenge(&one));
        assert!(nonce(&one).len() == 43 && !nonce(&one).contains(one.expose_secret()));
    }

    #[test]
    fn verifiers_have_the_form_of_the_rfc_and_differ() {
        let all: std::collections::HashSet<String> =
            (0..100).map(|_| verifier().unwrap().expose_secret().to_owned()).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|text| text.len() == 43
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')));
    }
}
