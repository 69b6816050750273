//! A service in this process with Google at one end or both.

use std::sync::Arc;

use anyhow::Context as _;
use engine::provider::ProviderKind;
use providers::google::OAuthClientSlot;
use providers::google::oauth::{self, Grants};
use providers::http::Http;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use simulators::caldav::{CalDav, Manners};
use simulators::google::{CLIENT_ID, CLIENT_SECRET, Server};
use simulators::person::Person;
use url::Url;

use crate::support::env::{
    APP_PASSWORD, Account, Core, Host, Origins, Spelling, Stage, Terms, USERS, address,
};

/// Where Google is, and who we are there.
#[derive(Clone)]
pub struct Settings {
    pub oauth: oauth::OAuthSettings,
    pub api: Url,
}

/// Google, as one process knows it.
pub struct Google {
    grants: Grants,
    api: Url,
}

/// Who keeps one end of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Google,
    CalDav,
    /// CalDAV as Apple speaks it.
    Icloud,
}

impl Settings {
    pub fn of(server: &Server) -> anyhow::Result<Self> {
        let settings = server.settings();
        let url = |name: &str| {
            Url::parse(
                settings
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map_or("", |(_, value)| value.as_str()),
            )
        };
        let oauth = oauth::OAuthSettings {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.into(),
            auth_url: url("GOOGLE_AUTH_URL")?,
            token_url: url("GOOGLE_TOKEN_URL")?,
            revoke_url: url("GOOGLE_REVOKE_URL")?,
        };
        Ok(Self { oauth, api: server.url() })
    }
}

impl Google {
    pub fn new(http: &Arc<Http>, settings: &Settings) -> Self {
        let client = Arc::new(oauth::Client::new(http, settings.oauth.clone()));
        Self { grants: Grants::new(client), api: settings.api.clone() }
    }

    pub fn open(
        &self,
        http: &Arc<Http>,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        Ok(Arc::new(OAuthClientSlot::new(
            http,
            &self.api,
            user,
            self.grants.open(user, secret, keep),
        )?))
    }
}

/// Anna's calendar and Ben's, each where it is said, paired on these terms; Google in a state of
/// its own before anything is connected.
pub async fn stage(
    ends: [End; 2],
    terms: Terms,
    prepare: impl FnOnce(&Server),
) -> anyhow::Result<Stage> {
    let google = Arc::new(Server::start().await?);
    prepare(&google);
    let (mut accounts, mut people, mut hosts, mut origins) =
        (Vec::new(), Vec::new(), Vec::new(), Origins::default());
    for (side, (end, (user, password))) in ends.into_iter().zip(USERS).enumerate() {
        if end == End::Google {
            let account = google.account(&format!("{user}@example.org"));
            accounts.push(Account {
                kind: ProviderKind::Google,
                url: address(side, Spelling::Plain),
                user: account.address().to_owned(),
                password: account.refresh_token(),
            });
            people.push(Person::from(account.primary()));
            hosts.push(Host::Google(google.clone()));
            continue;
        }
        let server =
            CalDav::start(if end == End::Icloud { Manners::icloud() } else { Manners::generic() })
                .await?;
        let (kind, user, password) = match end {
            End::Icloud => (ProviderKind::Icloud, format!("{user}@example.org"), APP_PASSWORD),
            _ => (ProviderKind::Caldav, user.to_owned(), password),
        };
        people.push(Person::from(server.account(&user, password).calendar(&user, "main")));
        origins.add_all(side, &server);
        accounts.push(Account {
            kind,
            url: address(side, Spelling::Plain),
            user,
            password: password.to_owned(),
        });
        hosts.push(Host::Memory(server));
    }
    let two = "two of each";
    let accounts = accounts.try_into().ok().context(two)?;
    let core = Box::pin(Core::with(
        accounts,
        origins,
        terms,
        false,
        Some(Arc::new(Settings::of(&google)?)),
    ))
    .await?;
    Ok(Stage {
        core,
        hosts: hosts.try_into().ok().context(two)?,
        people: people.try_into().ok().context(two)?,
    })
}
