//! The owner of a grant, by its id_token.

use crate::oauth::{GrantOwner, IdTokenClaims};
use crate::{Error, Result};

/// The longest name that is shown; an address is not longer (RFC 5321 section 4.5.3.1).
const LONGEST: usize = 254;

/// The owner: identified by directory and user, and called by an address, which may change. The
/// name that the user signs in with is of a domain that the directory has proved to be its own; the
/// e-mail address may be any.
///
/// # Errors
/// [`Error::BadAnswer`] where the token names no user.
pub(super) fn owner(claims: &IdTokenClaims) -> Result<GrantOwner> {
    let id = |text: &Option<String>| text.as_deref().filter(|id| is_id(id)).map(str::to_lowercase);
    let (Some(tid), Some(oid)) = (id(&claims.tid), id(&claims.oid)) else {
        return Err(Error::BadAnswer("Microsoft does not say whose account it is".into()));
    };
    let name = [&claims.preferred_username, &claims.email]
        .into_iter()
        .flatten()
        .find(|name| is_plain(name))
        .map_or_else(|| oid.clone(), |name| name.to_lowercase());
    Ok(GrantOwner { id: format!("{tid}/{oid}"), name })
}

/// Whether this is a UUID.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Whether a name can be shown and stored as the name of a user.
fn is_plain(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && !name.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    const USER: &str = "00000000-0000-0000-66F3-3332ECA7EA81";

    fn claims(tid: Option<&str>, oid: Option<&str>, names: [Option<&str>; 2]) -> IdTokenClaims {
        let [email, name] = names;
        let claims = json!({
            "iss": "x", "tid": tid, "oid": oid, "email": email, "preferred_username": name,
        });
        serde_json::from_value(claims).unwrap()
    }

    #[test]
    fn directory_and_user_identify_the_owner_and_names_are_shown() {
        let id = format!("{TENANT}/{}", USER.to_lowercase());
        let long = format!("{}@example.org", "x".repeat(LONGEST));
        for (email, name, shown) in [
            (Some("anna@example.org"), Some("Anna@Contoso.example"), "anna@contoso.example"),
            (Some("Anna@Example.org"), Some("a b"), "anna@example.org"),
            (None, Some("anna@contoso.example"), "anna@contoso.example"),
            (Some(""), Some("anna@contoso.example"), "anna@contoso.example"),
            (Some("a:b"), Some("a b"), &*USER.to_lowercase()),
            (Some("anna\n@example.org"), None, &*USER.to_lowercase()),
            (Some(&long), None, &*USER.to_lowercase()),
        ] {
            let owner = owner(&claims(Some(TENANT), Some(USER), [email, name])).unwrap();
            assert_eq!((&*owner.id, &*owner.name), (&*id, shown), "{email:?}");
        }
    }

    #[test]
    fn without_ids_there_is_no_owner() {
        for text in [None, Some(""), Some("x"), Some("9188040d6c674c5bb11236a304b66dad0000")] {
            let names = [Some("anna@example.org"), None];
            let without = [claims(text, Some(USER), names), claims(Some(TENANT), text, names)];
            assert!(without.iter().all(|claims| owner(claims).is_err()), "{text:?}");
        }
    }
}
