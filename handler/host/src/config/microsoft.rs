//! The settings of Microsoft: the operator's app registration, and the URLs of Microsoft.

use providers::graph::oauth::{LOGIN_URL, OAuthSettings, is_sovereign};
use url::Url;

use super::address::{AllowedPath, problem as wrong_address};
use super::oauth_client::oauth_client;

/// The address of Microsoft Graph.
const GRAPH_URL: &str = "https://graph.microsoft.com/v1.0";

/// The settings of Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicrosoftSettings {
    /// The app registration; `None` if id or secret is missing (a finding, if only one of the two
    /// is), so that no Microsoft account can be used.
    pub client: Option<OAuthSettings>,
    /// The URL of Microsoft Graph, with its version.
    pub graph_url: Url,
}

impl MicrosoftSettings {
    /// Reads the settings. Errors are added to `wrong`, and the default replaces such a value. No
    /// value is quoted.
    pub fn from<'a>(get: impl Fn(&str) -> Option<&'a str>, wrong: &mut Vec<String>) -> Self {
        let mut address = |name: &str, path: AllowedPath, default: &str| {
            let url = Url::parse(get(name).unwrap_or(default));
            let why = wrong_address(get(name).unwrap_or(default), path).or_else(|| {
                let other = url.as_ref().is_ok_and(is_sovereign);
                other.then(|| {
                    "names one of Microsoft's separate clouds (for the government of the United \
                    States, for China or for Germany), with which calrelay does not work"
                        .into()
                })
            });
            if let Some(why) = why {
                wrong.push(format!("{name} {why}"));
            }
            url.or_else(|_| Url::parse(default)).expect("a literal address")
        };
        let login_url = address("MICROSOFT_LOGIN_URL", AllowedPath::None, LOGIN_URL);
        let graph_url = address("GRAPH_URL", AllowedPath::Any, GRAPH_URL);
        let client = oauth_client(get, "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET")
            .and_then(|(id, secret)| OAuthSettings::new(id, secret.into(), &login_url).ok());
        Self { client, graph_url }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> (MicrosoftSettings, Vec<String>) {
        let mut wrong = Vec::new();
        let microsoft = MicrosoftSettings::from(
            |name| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
            &mut wrong,
        );
        (microsoft, wrong)
    }

    const BOTH: [(&str, &str); 2] =
        [("MICROSOFT_CLIENT_ID", "c1"), ("MICROSOFT_CLIENT_SECRET", "hunter2")];

    #[test]
    fn by_default_it_is_the_worldwide_cloud() {
        let (microsoft, wrong) = read(&BOTH);
        assert_eq!(
            microsoft.client.unwrap().login_url().as_str(),
            "https://login.microsoftonline.com/"
        );
        assert_eq!((microsoft.graph_url.as_str(), wrong), (GRAPH_URL, vec![]));
    }

    #[test]
    fn a_registration_has_an_id_and_a_secret() {
        assert_eq!(read(&[]).0.client, None);
        assert_eq!(read(&BOTH[..1]).0.client, None);
        assert_eq!(read(&BOTH[1..]).0.client, None);
        let reference = ("MICROSOFT_CLIENT_SECRET", "@Microsoft.KeyVault(SecretUri=x)");
        assert_eq!(read(&[BOTH[0], reference]).0.client, None);
    }

    #[test]
    fn addresses_that_cannot_be_used_are_said() {
        for name in ["MICROSOFT_LOGIN_URL", "GRAPH_URL"] {
            for text in [
                "hunter2",
                "file:///etc/hunter2",
                "http://login.example.org",
                "https://anna:hunter2@example.org",
                "https://x/?hunter2",
            ] {
                let (_, wrong) = read(&[(name, text)]);
                assert!(
                    wrong.len() == 1 && wrong[0].starts_with(name) && !wrong[0].contains("hunter2"),
                    "{text}: {wrong:?}"
                );
            }
            assert!(read(&[(name, "http://127.0.0.1:9000")]).1.is_empty(), "{name}");
        }
        let (_, wrong) = read(&[("MICROSOFT_LOGIN_URL", "https://login.example.org/common")]);
        assert!(wrong[0].contains("without a path"), "{wrong:?}");
    }

    #[test]
    fn other_clouds_are_refused_in_words() {
        for (name, text) in [
            ("MICROSOFT_LOGIN_URL", "https://login.microsoftonline.us"),
            ("MICROSOFT_LOGIN_URL", "https://login.partner.microsoftonline.cn"),
            ("GRAPH_URL", "https://graph.microsoft.us/v1.0"),
            ("GRAPH_URL", "https://microsoftgraph.chinacloudapi.cn/v1.0"),
        ] {
            let (_, wrong) = read(&[(name, text)]);
            assert!(wrong.len() == 1 && wrong[0].contains("separate clouds"), "{text}: {wrong:?}");
        }
    }
}
