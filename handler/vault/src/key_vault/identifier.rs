//! The identifier of a key, as the portal shows it.

use std::fmt;
use std::str::FromStr;

/// The vaults and managed HSMs of the public cloud; both answer the same calls. Other clouds (of
/// governments, of China) sign in elsewhere and are not tested with this program, so their vaults
/// are refused.
const HOSTS: [&str; 2] = [".vault.azure.net", ".managedhsm.azure.net"];

/// `https://NAME.vault.azure.net/keys/KEY`, with `/VERSION` after it to wrap with that version
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyIdentifier {
    host: String,
    name: String,
    version: Option<String>,
}

/// Why a text is not a key identifier, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; it must read https://NAME.vault.azure.net/keys/KEY, as the portal shows it for the key"
)]
pub struct InvalidKeyIdentifier(&'static str);

impl KeyIdentifier {
    /// The vault's address.
    pub(super) fn vault(&self) -> String {
        format!("https://{}", self.host)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version, if the identifier names one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The version in `kid`, if `kid` names this key of this vault. The case of names does not
    /// count.
    pub(super) fn version_of(&self, kid: &str) -> Option<String> {
        let other: Self = kid.parse().ok()?;
        (other.host == self.host && other.name.eq_ignore_ascii_case(&self.name))
            .then_some(other.version)?
    }
}

impl FromStr for KeyIdentifier {
    type Err = InvalidKeyIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidKeyIdentifier> {
        let rest = text
            .strip_prefix("https://")
            .ok_or(InvalidKeyIdentifier("it does not begin with https://"))?;
        let mut parts = rest.split('/');
        let host = parts.next().unwrap_or_default().to_ascii_lowercase();
        // The resource manager writes the port.
        let host = host.strip_suffix(":443").unwrap_or(&host).to_owned();
        let name = HOSTS
            .iter()
            .find_map(|suffix| host.strip_suffix(suffix))
            .ok_or(InvalidKeyIdentifier("its host is not a Key Vault of the public cloud"))?;
        if !is_vault(name) {
            return Err(InvalidKeyIdentifier("the vault's name is not one that Key Vault gives"));
        }
        if parts.next() != Some("keys") {
            return Err(InvalidKeyIdentifier(
                "it does not name a key (a secret or certificate cannot wrap)",
            ));
        }
        let name = parts.next().filter(|name| is_key(name)).ok_or(InvalidKeyIdentifier(
            "the key's name is missing, or not one that Key Vault gives",
        ))?;
        let version = parts.next();
        if version.is_some_and(|version| !is_version(version)) {
            return Err(InvalidKeyIdentifier("its version is not 32 hexadecimal digits"));
        }
        if parts.next().is_some() {
            return Err(InvalidKeyIdentifier("there is something after the version"));
        }
        Ok(Self { name: name.to_owned(), version: version.map(str::to_owned), host })
    }
}

/// 3 to 24 letters, digits and single hyphens, from a letter to a letter or digit.
fn is_vault(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
        && !name.contains("--")
}

/// 1 to 127 letters, digits and hyphens.
fn is_key(name: &str) -> bool {
    (1..=127).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// 32 hexadecimal digits.
pub(super) fn is_version(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for KeyIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}/keys/{}", self.host, self.name)?;
        self.version.iter().try_for_each(|version| write!(f, "/{version}"))
    }
}

impl fmt::Debug for KeyIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_key_is_taken_apart() {
        let key: KeyIdentifier =
            "https://My-Vault1.vault.azure.net/keys/wrapping-Key".parse().unwrap();
        assert_eq!(
            (key.vault().as_str(), key.name(), key.version()),
            ("https://my-vault1.vault.azure.net", "wrapping-Key", None)
        );
        assert_eq!(
            "https://my-vault1.vault.azure.net:443/keys/wrapping-Key".parse(),
            Ok(key),
            "a template's output"
        );
        let text = format!("https://hsm.managedhsm.azure.net/keys/k/{VERSION}");
        let key: KeyIdentifier = text.parse().unwrap();
        assert_eq!((key.version(), key.to_string()), (Some(VERSION), text));
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        for text in [
            "",
            "http://name.vault.azure.net/keys/k",
            "name.vault.azure.net/keys/k",
            "https://name.vault.azure.net",
            "https://name.vault.azure.net/keys",
            "https://name.vault.azure.net/keys/",
            "https://name.vault.azure.net/keys/k/",
            "https://name.vault.azure.net/secrets/k",
            "https://name.vault.azure.net/keys/k?x=1",
            "https://name.vault.azure.net/keys/k#x",
            "https://name.vault.azure.net/keys/k%2e",
            "https://name.vault.azure.net/keys/k/latest",
            "https://name.vault.azure.net/keys/k/0123456789ABCDEF0123456789ABCDEF",
            "https://name.vault.azure.net:8443/keys/k",
            "https://user@name.vault.azure.net/keys/k",
            "https://.vault.azure.net/keys/k",
            "https://a.b.vault.azure.net/keys/k",
            "https://name.vault.azure.net.example/keys/k",
            "https://name.vault.azure.cn/keys/k",
            "https://evil.example/name.vault.azure.net/keys/k",
            "https://evilvault.azure.net/keys/k",
            "https://no--name.vault.azure.net/keys/k",
            "https://name-.vault.azure.net/keys/k",
            &format!("https://name.vault.azure.net/keys/k/{VERSION}/wrapkey"),
            &format!("https://name.vault.azure.net/keys/{}", "k".repeat(128)),
        ] {
            let refusal = text.parse::<KeyIdentifier>().expect_err(text).to_string();
            assert!(refusal.contains("https://NAME.vault.azure.net/keys/KEY"), "{refusal}");
        }
    }

    #[test]
    fn a_version_is_of_the_same_key_only() {
        let key: KeyIdentifier = "https://name.vault.azure.net/keys/Key".parse().unwrap();
        let of = |kid: &str| key.version_of(kid);
        assert_eq!(
            of(&format!("https://name.vault.azure.net/keys/key/{VERSION}")).as_deref(),
            Some(VERSION)
        );
        assert_eq!(of(&format!("https://other.vault.azure.net/keys/key/{VERSION}")), None);
        assert_eq!(of(&format!("https://name.vault.azure.net/keys/key2/{VERSION}")), None);
        assert_eq!(of("https://name.vault.azure.net/keys/key"), None);
    }
}
