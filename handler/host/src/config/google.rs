//! The settings of Google: the operator's OAuth client, and the URLs of Google.

use providers::google::oauth::{AUTH_URL, OAuthSettings, REVOKE_URL, TOKEN_URL};
use url::Url;

use super::address::{AllowedPath, problem as wrong_address};
use super::oauth_client::oauth_client;

/// The settings of Google.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleSettings {
    /// The OAuth client; `None` if id or secret is missing (a finding, if only one of the two is),
    /// so that no Google account can be used.
    pub client: Option<OAuthSettings>,
    /// The URL of Google's API, before `/calendar/v3`.
    pub api_url: Url,
}

impl GoogleSettings {
    /// Reads the settings. Errors are added to `wrong`, and the default replaces such a value. No
    /// value is quoted.
    pub fn from<'a>(get: impl Fn(&str) -> Option<&'a str>, wrong: &mut Vec<String>) -> Self {
        let mut address = |name: &str, path: AllowedPath, default: &str| {
            let text = get(name).unwrap_or(default);
            if let Some(why) = wrong_address(text, path) {
                wrong.push(format!("{name} {why}"));
            }
            Url::parse(text).or_else(|_| Url::parse(default)).expect("a literal address")
        };
        let auth_url = address("GOOGLE_AUTH_URL", AllowedPath::Any, AUTH_URL);
        let token_url = address("GOOGLE_TOKEN_URL", AllowedPath::Any, TOKEN_URL);
        let revoke_url = address("GOOGLE_REVOKE_URL", AllowedPath::Any, REVOKE_URL);
        let api_url = address(
            "GOOGLE_API_URL",
            AllowedPath::Before("/calendar/v3"),
            "https://www.googleapis.com",
        );
        let client = oauth_client(get, "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET");
        let client = client.map(|(id, secret)| OAuthSettings {
            client_id: id.to_owned(),
            client_secret: secret.into(),
            auth_url,
            token_url,
            revoke_url,
        });
        Self { client, api_url }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> (GoogleSettings, Vec<String>) {
        let mut wrong = Vec::new();
        let google = GoogleSettings::from(
            |name| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
            &mut wrong,
        );
        (google, wrong)
    }

    const BOTH: [(&str, &str); 2] =
        [("GOOGLE_CLIENT_ID", "c1"), ("GOOGLE_CLIENT_SECRET", "hunter2")];

    #[test]
    fn by_default_it_is_googles_own() {
        let (google, wrong) = read(&BOTH);
        let client = google.client.unwrap();
        assert_eq!(
            [&client.auth_url, &client.token_url, &client.revoke_url].map(Url::as_str),
            [AUTH_URL, TOKEN_URL, REVOKE_URL]
        );
        assert_eq!((google.api_url.as_str(), wrong), ("https://www.googleapis.com/", vec![]));
    }

    #[test]
    fn a_client_has_an_id_and_a_secret() {
        assert_eq!(read(&[]).0.client, None);
        assert_eq!(read(&BOTH[..1]).0.client, None);
        assert_eq!(read(&BOTH[1..]).0.client, None);
        assert_eq!(
            read(&[BOTH[0], ("GOOGLE_CLIENT_SECRET", "@Microsoft.KeyVault(SecretUri=x)")]).0.client,
            None
        );
    }

    #[test]
    fn addresses_that_cannot_be_used_are_said() {
        for name in ["GOOGLE_AUTH_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "GOOGLE_API_URL"] {
            for text in [
                "hunter2",
                "file:///etc/hunter2",
                "http://google.example.org",
                "https://anna:hunter2@example.org",
                "https://x/?hunter2",
            ] {
                let (_, wrong) = read(&[(name, text)]);
                assert!(
                    wrong.len() == 1 && wrong[0].starts_with(name) && !wrong[0].contains("hunter2"),
                    "{text}: {wrong:?}"
                );
            }
            assert!(read(&[(name, "http://127.0.0.1:9000/google")]).1.is_empty(), "{name}");
        }
        assert!(
            read(&[("GOOGLE_API_URL", "https://www.googleapis.com/calendar/v3")]).1[0]
                .contains("must end before")
        );
    }
}
