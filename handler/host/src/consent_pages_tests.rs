//! The pages of a consent at Microsoft, from the request to the administrator's answer, with the
//! program's own services. No provider is reached.

use axum::http::{HeaderMap, Method, header};
use functions::trigger::{FunctionCode, HttpTrigger, Response};
use jobs::Services;
use jobs::consent;
use url::Url;

use crate::config::LoadedSettings;
use crate::services;
use crate::storage::Storage;

const CALLBACK: &str = "/oauth/microsoft/callback";

struct Pages {
    services: Services,
    _storage: Storage,
    _dir: tempfile::TempDir,
}

async fn pages(settings: &[(&str, &str)]) -> Pages {
    let dir = tempfile::tempdir().unwrap();
    let own = [("CALRELAY_DATA_DIR", dir.path().to_str().unwrap())];
    let all =
        settings.iter().chain(&own).map(|(name, value)| (name.to_string(), value.to_string()));
    let config = LoadedSettings::from(all, None).config.unwrap();
    let (services, storage) = services::build(&config, Vec::new()).await.unwrap();
    Pages { services, _storage: storage, _dir: dir }
}

const REGISTERED: [(&str, &str); 2] =
    [("MICROSOFT_CLIENT_ID", "c1"), ("MICROSOFT_CLIENT_SECRET", "hunter2")];

impl Pages {
    async fn ask(
        &self,
        method: Method,
        address: &str,
        cookie: Option<&str>,
        body: &str,
    ) -> Response {
        let url = Url::parse(address).unwrap();
        let mut headers = HeaderMap::new();
        let host = url.authority().parse().unwrap();
        headers.insert(header::HOST, host);
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        let path = &url[url::Position::BeforePath..];
        let name = if url.path().ends_with("start") { "connect" } else { "oauth_callback" };
        let function = functions::FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        let FunctionCode::Http(_, run) = function.run else { panic!("{name} answers no request") };
        let request = HttpTrigger {
            method,
            uri: path.parse().unwrap(),
            headers,
            body: body.as_bytes().to_vec(),
            client_address: None,
            operator: true,
        };
        run(&self.services, request).await
    }

    async fn get(&self, address: &str, cookie: Option<&str>) -> Response {
        self.ask(Method::GET, address, cookie, "").await
    }
}

fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    let found = response.headers.iter().find(|(known, _)| known.as_str() == name);
    found.map(|(_, value)| value.to_str().unwrap()).unwrap_or_default()
}

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

fn cookie(response: &Response) -> String {
    field(response, "set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_operator_reads_of_the_administrator_before_the_request() {
    let pages = pages(&REGISTERED).await;
    let away = pages.get("http://127.0.0.1:7071/oauth/microsoft/start", None).await;
    let start = "http://localhost:7071/oauth/microsoft/start";
    assert_eq!((away.status.as_u16(), field(&away, "location")), (303, start));
    let page = pages.get(start, None).await;
    assert_eq!(page.status, 200);
    for part in [
        "an administrator has to allow calrelay first",
        "<form method=\"get\" action=\"/oauth/microsoft/start\">",
        "Continue to Microsoft",
        "account.live.com/consent/Manage",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let sent = pages.get(&format!("{start}?continue=yes"), None).await;
    let location = field(&sent, "location");
    assert_eq!(sent.status, 303);
    assert!(
        location.starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?"),
        "{location}"
    );
    assert_eq!(
        parameter(location, "redirect_uri"),
        "http://localhost:7071/oauth/microsoft/callback"
    );
}

#[tokio::test]
async fn an_organisation_that_has_to_agree_gets_a_link_and_its_answer_connects_nothing() {
    for public in [None, Some("https://calendars.example.org")] {
        let mut settings = REGISTERED.to_vec();
        settings.extend(public.map(|public| ("CALRELAY_PUBLIC_URL", public)));
        let pages = pages(&settings).await;
        let own = public.unwrap_or("http://localhost:7071");
        let start = format!("{own}/oauth/microsoft/start");
        let sent = match public {
            None => pages.get(&format!("{start}?continue=yes"), None).await,
            Some(_) => {
                let kind = consent::kind("microsoft").unwrap();
                let ticket = consent::invite(&pages.services.local(), kind).await.unwrap().ticket;
                let form = format!("ticket={}", ticket.expose());
                let page = pages.get(&format!("{start}?{form}"), None).await;
                assert!(
                    page.status == 200
                        && page.body.contains("Connect a Microsoft 365 calendar")
                        && page.body.contains("has sent you this link")
                        && page.body.contains("an administrator has to allow"),
                    "{}",
                    page.body
                );
                pages.ask(Method::POST, &start, None, &form).await
            }
        };
        assert_eq!(sent.status, 303, "{}", sent.body);
        let (state, cookie) = (parameter(field(&sent, "location"), "state"), cookie(&sent));
        let refusal = format!(
            "{own}{CALLBACK}?error=access_denied&error_subcode=cancel&state={state}\
            &error_description=AADSTS90094:+marmalade"
        );
        let page = pages.get(&refusal, Some(&cookie)).await;
        assert_eq!(page.status, 403);
        for part in [
            "<h1>Your organisation has to agree first</h1>",
            "Link for your administrator",
            "<button class=\"way\">Try again</button>",
            "AADSTS90094",
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        assert!(!page.body.contains("marmalade"), "nothing of the query is repeated");
        let link = page.body.split("readonly value=\"").nth(1).unwrap().split('"').next().unwrap();
        let link = link.replace("&amp;", "&");
        assert!(
            link.starts_with("https://login.microsoftonline.com/organizations/v2.0/adminconsent?"),
            "{link}"
        );
        assert_eq!(parameter(&link, "redirect_uri"), format!("{own}{CALLBACK}"));
        // The administrator has another browser, without a cookie, and may open the link again.
        let answer = format!("{own}{CALLBACK}?admin_consent=True&tenant=t&state=");
        let state = parameter(&link, "state");
        for _ in 0..2 {
            let page = pages.get(&format!("{answer}{state}"), None).await;
            assert!(page.status == 200 && page.body.contains("has agreed"), "{}", page.body);
        }
        let refused = pages.get(&format!("{answer}{state}&error=consent_required"), None).await;
        assert!(refused.status == 200 && refused.body.contains("has not agreed"));
        let forged = pages.get(&format!("{answer}{}", "A".repeat(43)), None).await;
        assert_eq!(forged.status, 400);
        let accounts = pages.services.local().directory().accounts().await.unwrap();
        assert!(accounts.is_empty());
    }
}

#[tokio::test]
async fn where_microsoft_is_not_registered_there_is_no_page() {
    let pages = pages(&[]).await;
    for path in ["/oauth/microsoft/callback?code=x", "/oauth/icloud/start", "/oauth/x/callback"] {
        let page = pages.get(&format!("http://localhost:7071{path}"), None).await;
        assert_eq!(page.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_blocked_sign_in_and_a_failing_server_have_words_of_their_own() {
    let pages = pages(&REGISTERED).await;
    let start = "http://localhost:7071/oauth/microsoft/start?continue=yes";
    for (answer, status, part) in [
        ("interaction_required&error_description=AADSTS53003:+x", 403, "does not allow this"),
        ("invalid_request&error_description=AADSTS50020:+x", 403, "choose the account"),
        ("temporarily_unavailable", 503, "Try again"),
        (
            "invalid_request&error_description=AADSTS50011:+x",
            503,
            "is not set up for Microsoft yet",
        ),
    ] {
        let sent = pages.get(start, None).await;
        let state = parameter(field(&sent, "location"), "state");
        let address = format!("http://localhost:7071{CALLBACK}?state={state}&error={answer}");
        let page = pages.get(&address, Some(&cookie(&sent))).await;
        assert_eq!(page.status, status, "{answer}: {}", page.body);
        assert!(page.body.contains(part), "{answer}: {}", page.body);
    }
}
