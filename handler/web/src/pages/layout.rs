//! The frame of every page, and its headers.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::assets::{SCRIPT, STYLE};
use crate::words::Words;

const WORDS: Words = Words;

/// The part of the navigation to which a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Pairs,
    Accounts,
    Settings,
    /// A page for a visitor who has none of them.
    Outside,
}

/// A page.
pub struct Page {
    pub section: Section,
    pub status: StatusCode,
    /// The `h1`, and the title of the document.
    pub heading: String,
    /// What was done by the request before.
    pub done: Option<String>,
    /// What needs the person, most urgent first: only the first one is shown.
    pub needs: Option<Markup>,
    pub main: Markup,
    /// Where forms may lead, beside this site.
    pub form_targets: Vec<String>,
    /// The page is a form that was refused.
    pub is_refused: bool,
}

impl Page {
    /// A page of a part.
    pub fn new(section: Section, heading: impl Into<String>, main: Markup) -> Self {
        Self {
            section,
            status: StatusCode::OK,
            heading: heading.into(),
            done: None,
            needs: None,
            main,
            form_targets: Vec::new(),
            is_refused: false,
        }
    }

    /// With a status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The answer.
    pub fn into_answer(self) -> Response {
        self.into_text().map(Body::from)
    }

    /// The answer, with its body as a text.
    pub fn into_text(self) -> http::Response<String> {
        let title = match self.is_refused {
            true => WORDS.refused_title(&self.heading),
            false => WORDS.title(&self.heading),
        };
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    link rel="stylesheet" href=(STYLE.path);
                    script src=(SCRIPT.path) defer {}
                }
                body {
                    a.skip href="#main" { (WORDS.skip()) }
                    header { (self.banner()) }
                    main id="main" {
                        @if let Some(done) = &self.done { p.card.done role="status" { (done) } }
                        @if let Some(needs) = &self.needs { (needs) }
                        h1 { (self.heading) }
                        (self.main)
                    }
                }
            }
        };
        let mut response = http::Response::new(document.into_string());
        *response.status_mut() = self.status;
        add_headers(&mut response, &self.form_targets);
        response
    }

    fn banner(&self) -> Markup {
        let places = [
            (Section::Pairs, "/app/pairs", WORDS.pairs()),
            (Section::Accounts, "/app/accounts", WORDS.accounts()),
            (Section::Settings, "/app/settings", WORDS.settings()),
        ];
        html! {
            a.brand href="/app" { (WORDS.product()) }
            @if self.section != Section::Outside {
                nav aria-label=(WORDS.main_navigation()) {
                    ul role="list" {
                        @for (section, path, name) in places {
                            li {
                                @if section == self.section {
                                    a href=(path) aria-current="page" { (name) }
                                } @else {
                                    a href=(path) { (name) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The headers of a page. `targets`: where forms may lead, beside this site.
fn add_headers(response: &mut http::Response<String>, targets: &[String]) {
    let targets = targets.iter().fold("'self'".to_owned(), |all, target| all + " " + target);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src \
        'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'; \
        require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let policy =
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Leads to another page of this site, with GET.
pub fn see_other(path: &str) -> Response {
    see_other_text(path).map(Body::from)
}

/// As [`see_other`], with its empty body as a text.
pub fn see_other_text(path: &str) -> http::Response<String> {
    let mut response = http::Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    let referrer = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(header::REFERRER_POLICY, referrer);
    response
}
