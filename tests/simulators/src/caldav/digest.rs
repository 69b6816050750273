//! Signing in by Digest (RFC 7616), checked by hand: nothing of what the program uses to answer is
//! used here.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use md5::{Digest as _, Md5};

/// How a server lets people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// HTTP Basic.
    Basic,
    /// Digest with this algorithm (`MD5`, `SHA-256`), and no Basic; a nonce may be used so many
    /// times.
    Digest(&'static str, u32),
    /// Only by this method, which the program does not know.
    Other(&'static str),
}

/// The nonces that were given, and which of their counts were used.
#[derive(Debug, Default)]
pub(super) struct Nonces(Vec<BTreeSet<String>>);

impl Nonces {
    /// The challenge with a new nonce.
    pub(super) fn challenge(&mut self, algorithm: &str, stale: bool) -> String {
        self.0.push(BTreeSet::new());
        let stale = if stale { ", stale=true" } else { "" };
        format!(
            "Digest realm=\"calendars\", qop=\"auth,auth-int\", algorithm={algorithm}, \
            nonce=\"nonce-{}\", opaque=\"x\"{stale}",
            self.0.len()
        )
    }

    /// Whose answer it is, or whether only its nonce is wrong.
    pub(super) fn judge(
        &mut self,
        said: &str,
        (method, path): (&str, &str),
        (algorithm, uses): (&str, u32),
        password: impl Fn(&str) -> Option<String>,
    ) -> Result<String, bool> {
        let fields: Vec<(&str, &str)> =
            said.split(", ").filter_map(|field| field.split_once('=')).collect();
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| *field == name);
            found.map(|(_, value)| value.trim_matches('"')).ok_or(false)
        };
        let user = field("username")?;
        let password = password(user).ok_or(false)?;
        let (nonce, count) = (field("nonce")?, field("nc")?);
        let hash = |text: String| match algorithm {
            "MD5" => hex(&Md5::digest(text.as_bytes())),
            _ => hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()),
        };
        let who = hash(format!("{user}:calendars:{password}"));
        let what = hash(format!("{method}:{path}"));
        let response = hash(format!("{who}:{nonce}:{count}:{}:auth:{what}", field("cnonce")?));
        let right = field("response")? == response
            && (field("uri")?, field("qop")?, field("opaque")?, field("realm")?)
                == (path, "auth", "x", "calendars")
            && field("algorithm")? == algorithm;
        if !right {
            return Err(false);
        }
        let number = nonce
            .strip_prefix("nonce-")
            .and_then(|number| number.parse::<usize>().ok())
            .unwrap_or(0);
        let used = self.0.get_mut(number.wrapping_sub(1)).ok_or(true)?;
        let fresh = used.len() < uses as usize && used.insert(count.to_owned());
        if fresh { Ok(user.to_owned()) } else { Err(true) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
