//! Connecting an account: the choice of a provider, the page before a consent, and the form for a
//! password.

use axum::extract::Path;
use axum::response::Response;
use engine::provider::ProviderKind;
use http::StatusCode;
use jobs::ProviderError;
use jobs::consent;
use maud::{Markup, html};

use super::error::{PageError, with_code};
use super::figures;
use super::form::{FieldErrors, Form, TextField};
use super::layout::{Page, Section, see_other};
use crate::connect::{ConnectError, PasswordAccount};
use crate::consent_words;
use crate::form_target;
use crate::oauth_cookie::{self, CookieScope};
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// The choice of a provider.
pub async fn choose(visitor: Visitor) -> Response {
    let main = html! {
        p { (WORDS.which_calendar()) }
        (choices(&visitor))
    };
    Page::new(Section::Accounts, WORDS.connect_an_account(), main).into_answer()
}

/// Links to the ways to connect an account; text for a provider that this installation is not
/// registered with.
pub fn choices(visitor: &Visitor) -> Markup {
    html! {
        ul.choices role="list" {
            @for kind in in_order() {
                li {
                    @if is_possible(visitor, kind) {
                        a.button href={ "/app/accounts/new/" (kind.as_str()) }
                            aria-describedby={ "about-" (kind.as_str()) } { (WORDS.provider(kind)) }
                        span.hint id={ "about-" (kind.as_str()) } { (WORDS.provider_hint(kind)) }
                    } @else {
                        b { (WORDS.provider(kind)) }
                        (unregistered(visitor, kind))
                    }
                }
            }
        }
    }
}

/// Those that most people have come first.
fn in_order() -> impl Iterator<Item = ProviderKind> {
    let (consent, password): (Vec<_>, Vec<_>) =
        ProviderKind::ALL.into_iter().partition(|kind| kind.is_connected_by_consent());
    consent.into_iter().chain(password.into_iter().rev())
}

fn is_possible(visitor: &Visitor, kind: ProviderKind) -> bool {
    !kind.is_connected_by_consent() || visitor.scope.connect.consents(kind).is_ok()
}

fn unregistered(visitor: &Visitor, kind: ProviderKind) -> Markup {
    html! {
        span.hint { (WORDS.not_registered(kind)) }
        span.hint { (with_code(&WORDS.how_to_register(kind, &redirect(visitor, kind)))) }
    }
}

fn redirect(visitor: &Visitor, kind: ProviderKind) -> String {
    format!("{}{}", visitor.site, consent_words::callback_path(kind))
}

/// The page of a provider.
pub async fn ask(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let kind = kind(&name)?;
    if !kind.is_connected_by_consent() {
        let filled = Filled { url: "", user: "" };
        return Ok(form(kind, &filled, &FieldErrors::default()).into_answer());
    }
    if !is_possible(&visitor, kind) {
        let main = unregistered(&visitor, kind);
        return Ok(Page::new(Section::Accounts, WORDS.not_set_up(kind), main).into_answer());
    }
    if let Some(other) = under_localhost(&visitor, kind) {
        return Ok(see_other(&format!("{other}/app/accounts/new/{}", kind.as_str())));
    }
    let main = html! {
        @for words in WORDS.before_consent(kind) { p { (words) } }
        form method="post" action={ "/app/accounts/new/" (kind.as_str()) } {
            button.go { (WORDS.continue_to(kind)) }
        }
        p.soft { (WORDS.promise()) }
    };
    let mut page = Page::new(Section::Accounts, WORDS.connect_heading(kind), main);
    page.form_targets = form_target::of_provider(&visitor.scope, kind);
    Ok(page.into_answer())
}

/// The same site under the name `localhost`, where the provider takes no other name of the
/// loopback.
fn under_localhost(visitor: &Visitor, kind: ProviderKind) -> Option<String> {
    let authority = visitor.site.strip_prefix("http://")?;
    let authority: http::uri::Authority = authority.parse().ok()?;
    let is_asked = kind.oauth_facts()?.redirects_to_localhost
        && visitor.scope.setup.public_url.is_none()
        && !authority.host().eq_ignore_ascii_case("localhost");
    let port = authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    is_asked.then(|| format!("http://localhost{port}"))
}

/// Begins a consent, or connects with a password.
pub async fn start(
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let kind = kind(&name)?;
    if kind.is_connected_by_consent() {
        return begin_consent(&visitor, kind, None).await;
    }
    connect(&visitor, kind, &form).await
}

/// Sends the browser to the provider's page. `expected`: the account that is connected again.
pub async fn begin_consent(
    visitor: &Visitor,
    kind: ProviderKind,
    expected: Option<engine::calendar::AccountId>,
) -> Result<Response, PageError> {
    let redirect = redirect(visitor, kind);
    let begun = consent::begin_on_page(&visitor.scope, kind, &redirect, None, expected).await?;
    let mut response = see_other(&begun.location);
    let scope = CookieScope::from_public_url(visitor.scope.setup.public_url.as_deref());
    let (name, value) = oauth_cookie::set(scope, begun.browser.expose());
    response.headers_mut().append(name, value);
    Ok(response)
}

/// What is filled in; a password never comes back.
struct Filled<'a> {
    url: &'a str,
    user: &'a str,
}

async fn connect(
    visitor: &Visitor,
    kind: ProviderKind,
    sent: &Form,
) -> Result<Response, PageError> {
    let (url, user, password) =
        (sent.text("server").trim(), sent.text("user").trim(), sent.text("secret"));
    let mut errors = FieldErrors::default();
    if asks_for_address(kind) && url.is_empty() {
        errors.add("server", WORDS.address_wanted());
    }
    if user.is_empty() {
        errors.add("user", WORDS.user_wanted());
    }
    if password.is_empty() {
        errors.add("secret", WORDS.password_wanted());
    }
    if !errors.any() {
        let own = visitor.scope.setup.icloud_url.clone();
        let url = if asks_for_address(kind) { url } else { &own };
        let new = PasswordAccount { kind, url, user, password: password.into() };
        match new.connect(visitor).await {
            Ok(account) => {
                let done = if account.was_connected_before() { "again" } else { "connected" };
                return Ok(see_other(&format!("/app/accounts/{}?done={done}", account.id)));
            }
            Err(error) => add_error(&mut errors, kind, error)?,
        }
    }
    let mut page = form(kind, &Filled { url, user }, &errors);
    page.is_refused = true;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY).into_answer())
}

/// Says beside a field why no account was connected.
pub fn add_error(
    errors: &mut FieldErrors,
    kind: ProviderKind,
    error: ConnectError,
) -> Result<(), PageError> {
    use ProviderError as P;
    let error = match error {
        ConnectError::TooManyTries { seconds } => {
            errors.add("secret", WORDS.too_many_tries(seconds));
            return Ok(());
        }
        ConnectError::Failed(error) => error,
    };
    let words = crate::problem::words(&error);
    let jobs::Error::Provider(provider) = &error else { return Err(error.into()) };
    match provider {
        P::Unauthorized | P::Forbidden(_) => errors.add("secret", WORDS.password_refused()),
        P::Credentials(_) if !asks_for_address(kind) => {
            errors.add("secret", WORDS.main_password());
        }
        P::Credentials(_) => errors.add("user", words),
        _ if asks_for_address(kind) => errors.add("server", words),
        _ => errors.add("secret", words),
    }
    Ok(())
}

/// Whether the address of the server is asked for: iCloud has one.
fn asks_for_address(kind: ProviderKind) -> bool {
    !kind.facts().user_name_is_email
}

fn kind(name: &str) -> Result<ProviderKind, PageError> {
    ProviderKind::from_name(name).ok_or(PageError::NotFound)
}

fn form(kind: ProviderKind, filled: &Filled<'_>, errors: &FieldErrors) -> Page {
    let main = html! {
        (errors.summary())
        @if !asks_for_address(kind) { (app_password()) }
        form method="post" action={ "/app/accounts/new/" (kind.as_str()) } novalidate {
            @if asks_for_address(kind) {
                (TextField {
                    id: "server",
                    label: WORDS.server_address(),
                    hint: Some(WORDS.server_address_hint()),
                    kind: "text",
                    value: filled.url,
                    autocomplete: "url",
                }.markup(errors))
            }
            (TextField {
                id: "user",
                label: WORDS.user_label(kind),
                hint: asks_for_address(kind).then_some(WORDS.user_hint()),
                kind: "text",
                value: filled.user,
                autocomplete: "username",
            }.markup(errors))
            (secret_field(kind, errors))
            button.go { (WORDS.connect()) }
        }
        p.soft { (WORDS.promise()) }
    };
    Page::new(Section::Accounts, WORDS.connect_heading(kind), main)
}

/// The field for the password, which is always empty.
pub fn secret_field(kind: ProviderKind, errors: &FieldErrors) -> Markup {
    let field = TextField {
        id: "secret",
        label: WORDS.password_label(kind),
        hint: None,
        kind: "password",
        value: "",
        autocomplete: "off",
    };
    field.markup(errors)
}

fn app_password() -> Markup {
    html! {
        p { (WORDS.not_your_main_password()) }
        h2 id="steps" { (WORDS.make_app_password()) }
        ol.steps aria-labelledby="steps" {
            @for (n, step) in WORDS.app_password_steps().into_iter().enumerate() {
                li { (step) (figures::app_password(n)) }
            }
        }
    }
}

/// What was done by the request before.
#[derive(serde::Deserialize)]
pub struct Done {
    pub done: Option<String>,
}
