//! The errors of the API: `application/problem+json` (RFC 9457), one row of a table for each code.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jobs::next_step::Told;
use jobs::{NotPaired, ProviderError};
use serde::Serialize;

macro_rules! codes {
    ($($(#[$about:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// The code of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$about])* $variant,)* }

        impl Code {
            /// Every code.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code, its status and its title.
            fn row(self) -> (&'static str, u16, &'static str) {
                match self { $(Self::$variant => ($code, $status, $title),)* }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", 400, "The request is not understood";
    Unauthenticated = "unauthenticated", 401, "It is not known who asks";
    Scope = "scope", 403, "The token may not do this";
    NotByToken = "not_by_token", 403, "Not with a token";
    CrossSite = "cross_site", 403, "Another site asked";
    OperatorOnly = "operator_only", 403, "Only for the operator";
    NotFound = "not_found", 404, "There is nothing here";
    Method = "method", 405, "This method is not for this path";
    Late = "late", 408, "The request did not arrive in time";
    Exists = "exists", 409, "It is there already";
    NotWritable = "not_writable", 409, "The calendar can only be read";
    Draft = "draft", 409, "The pair was never switched on";
    Busy = "busy", 409, "Another process is at work on it";
    NeedsReconnect = "needs_reconnect", 409, "An account needs to be connected again";
    SameCalendar = "same_calendar", 409, "Both are one calendar";
    NotConfigured = "not_configured", 409, "This installation is not registered there";
    Refused = "refused", 409, "This cannot be done as things are";
    ChangedMeanwhile = "changed_meanwhile", 412, "It was changed meanwhile";
    TooLarge = "too_large", 413, "The request is too large";
    MediaType = "media_type", 415, "The body has another type";
    Misdirected = "misdirected", 421, "Another host was asked for";
    Unauthorized = "unauthorized", 422, "The server refuses the password";
    Credentials = "credentials", 422, "The credentials have a wrong form";
    Address = "address", 422, "The address cannot be used";
    BadAnswer = "bad_answer", 422, "The server does not answer as a calendar server does";
    Unreachable = "unreachable", 422, "The server cannot be reached";
    Throttled = "throttled", 429, "Too many requests";
    Internal = "internal", 500, "Calrelay had an internal error";
    ProviderAnswer = "bad_answer", 502, "The provider gave an answer that is not understood";
    ProviderAway = "unreachable", 503, "The provider cannot be reached";
    Storage = "storage", 503, "Storage cannot be used at the moment";
    Vault = "vault", 503, "The vault cannot be used at the moment";
}

/// An error of the API. The path is added to the answer later.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    /// A member beside the others: its name and its value.
    member: Option<(&'static str, String)>,
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
}

/// One part of a request that is wrong.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the body: `#/window_past`.
    pub pointer: String,
    pub detail: String,
}

/// The body of an error.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:calrelay:problem:CODE`.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:calrelay:problem:[a-z_]+$")]
    kind: String,
    /// A few words, the same for each code.
    title: &'static str,
    status: u16,
    code: &'static str,
    /// What happened, what was kept safe, what to do next.
    detail: String,
    /// The path of the request.
    instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// With `exists`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<String>,
    /// With `exists`.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// With `scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<String>,
}

impl ApiError {
    /// An error with this code. `detail`: what happened, what was kept safe, what to do next.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (errors, member, retry_after, allow) = (Vec::new(), None, None, None);
        Self(Box::new(Parts { code, detail, errors, member, retry_after, allow }))
    }

    /// A mistake of this program. Its text is in the log only.
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "Calrelay had an internal error. What was done before it stays. The operator finds it \
            in the log.",
        )
    }

    /// A path or an id that leads to nothing.
    pub fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            "There is nothing under this path or this id, or it belongs to somebody else. Nothing \
            was changed.",
        )
    }

    /// A part of the body is wrong.
    pub fn wrong_member(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let words = format!("The body is not understood: {detail}. Nothing was done.");
        let mut error = Self::new(Code::BadRequest, words);
        error.0.errors.push(FieldError { pointer: pointer.to_owned(), detail });
        error
    }

    /// Names the scope that is missing.
    pub fn needs(mut self, scope: &str) -> Self {
        self.0.member = Some(("needs", scope.to_owned()));
        self
    }

    /// Names the pair that is there already.
    pub fn with_pair(mut self, id: &str) -> Self {
        self.0.member = Some(("pair", id.to_owned()));
        self
    }

    /// The methods that the path has.
    pub fn allow(mut self, methods: HeaderValue) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Names the seconds after which the request may be repeated.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer, for a request to this path.
    pub fn into_answer(self, path: &str) -> Response {
        let http_status = self.status();
        let Parts { code, detail, errors, member, retry_after, allow } = *self.0;
        let is_unauthenticated = code == Code::Unauthenticated;
        let (code, status, title) = code.row();
        let member = |name| member.as_ref().filter(|it| it.0 == name).map(|it| it.1.clone());
        let problem = Problem {
            kind: format!("urn:calrelay:problem:{code}"),
            title,
            status,
            code,
            detail,
            instance: path.to_owned(),
            pair: member("pair"),
            account: member("account"),
            needs: member("needs"),
            errors,
        };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = http_status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if is_unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

/// What happened, what was kept safe and what to do next, for a person at a browser or a program:
/// no command is named.
pub fn words(error: &jobs::Error) -> String {
    // Without a time no step names one.
    Told::of_error(error, None, jiff::Timestamp::UNIX_EPOCH).detail()
}

/// The error for what a caller gave: an address, a user and a password. A server that is silent is
/// the caller's then, and no failure of this installation.
pub fn of_given(error: jobs::Error) -> ApiError {
    use ProviderError as P;
    let words = words(&error);
    let jobs::Error::Provider(provider) = &error else { return error.into() };
    let code = match provider {
        P::Unauthorized | P::Forbidden(_) => Code::Unauthorized,
        P::Credentials(_) => Code::Credentials,
        P::Address(_) | P::NotPublic(_) => Code::Address,
        P::Unreachable(_) | P::NoAnswer(_) => Code::Unreachable,
        P::RateLimited { .. } | P::Misconfigured(_) => return error.into(),
        _ => Code::BadAnswer,
    };
    ApiError::new(code, words)
}

/// The error is an extension of the response; the path is known further up.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<jobs::Error> for ApiError {
    fn from(error: jobs::Error) -> Self {
        use jobs::Error as E;
        let words = words(&error);
        match &error {
            E::Provider(error) => of_provider(error, words),
            E::Store(_) | E::LeaseLost => Self::new(Code::Storage, words).retry_after(5),
            E::Vault(_) => Self::new(Code::Vault, words).retry_after(5),
            E::NotFound(_) => Self::not_found(),
            E::Request(_) | E::Withheld { .. } => Self::new(Code::Refused, words),
            E::AnotherAccount { .. } => Self::new(Code::NeedsReconnect, words),
            E::SameCalendar => Self::new(Code::SameCalendar, words),
            E::Draft(_) => Self::new(Code::Draft, words),
            E::NotPaired { why, .. } => of_pairing(why),
            E::SuspiciousEmpty | E::CopiesUnrecognised => Self::new(Code::ProviderAnswer, words),
            E::Damaged(_) => {
                tracing::error!(%error, "a request met damaged data");
                Self::new(Code::Storage, words)
            }
        }
    }
}

impl From<records::Error> for ApiError {
    fn from(error: records::Error) -> Self {
        jobs::Error::from(error).into()
    }
}

fn of_pairing(why: &NotPaired) -> ApiError {
    match why {
        NotPaired::Exists(id) => {
            let words = format!(
                "The pair {id} is between these two calendars already. Nothing was made. Change it, \
                or end it first: a new pair takes its copies over."
            );
            ApiError::new(Code::Exists, words).with_pair(id.as_str())
        }
        NotPaired::SameCalendar => ApiError::new(
            Code::SameCalendar,
            "Both are one and the same calendar, and a calendar cannot be paired with itself. \
            Nothing was made. Name two different calendars.",
        ),
        NotPaired::NotWritable(id) => ApiError::new(
            Code::NotWritable,
            format!(
                "The calendar {id} would be written to, and its account can only read it. Nothing \
                was made. Choose another calendar, or ask its owner for write access."
            ),
        ),
        NotPaired::Options => ApiError::new(
            Code::BadRequest,
            "The options contradict each other: the window holds at least a day, and \
            \"private_back\" is for pairs in both directions. Nothing was made.",
        ),
    }
}

fn of_provider(error: &ProviderError, words: String) -> ApiError {
    use ProviderError as P;
    match error {
        P::Unauthorized | P::Consent(_) | P::NotGranted(_) | P::Credentials(_) => {
            ApiError::new(Code::NeedsReconnect, words)
        }
        P::Address(_) | P::NotPublic(_) => ApiError::new(Code::Address, words),
        P::RateLimited { retry_after } => ApiError::new(Code::Throttled, words)
            .retry_after(retry_after.map_or(60, |after| after.as_secs().max(1))),
        P::Unreachable(_) | P::NoAnswer(_) => ApiError::new(Code::ProviderAway, words),
        P::Misconfigured(_) => ApiError::new(Code::NotConfigured, words),
        P::CalendarMissing | P::Gone => ApiError::not_found(),
        P::ChangedMeanwhile => ApiError::new(Code::Busy, words),
        P::NameRefused(error) => of_provider(error, words),
        _ => ApiError::new(Code::ProviderAnswer, words),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_has_one_status_but_where_the_callers_server_and_ours_differ() {
        let rows: BTreeSet<_> = Code::ALL.iter().map(|code| (code.row().0, code.row().1)).collect();
        assert_eq!(rows.len(), Code::ALL.len());
        let codes: BTreeSet<_> = rows.iter().map(|row| row.0).collect();
        assert_eq!(codes.len() + 2, rows.len(), "bad_answer and unreachable have two each");
        assert!(
            rows.iter()
                .all(|(code, _)| { code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') })
        );
    }

    #[test]
    fn an_error_about_a_pair_has_a_code_of_its_own() {
        let code = |why| {
            let error = jobs::Error::NotPaired { why, words: "`calrelay pair remove p1`".into() };
            let error = ApiError::from(error);
            assert!(!error.0.detail.contains("calrelay"), "{}", error.0.detail);
            error.0.code.row().0
        };
        assert_eq!(
            code(NotPaired::NotWritable(engine::calendar::CalendarId::new("c1"))),
            "not_writable"
        );
        assert_eq!(code(NotPaired::SameCalendar), "same_calendar");
        assert_eq!(code(NotPaired::Options), "bad_request");
        assert_eq!(code(NotPaired::Exists(engine::calendar::PairId::new("p1"))), "exists");
    }

    #[tokio::test]
    async fn the_answer_has_the_members_of_the_rfc() {
        let error = ApiError::new(Code::Scope, "Words.").needs("write");
        let answer = error.into_answer("/api/v1/pairs");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(answer.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:calrelay:problem:scope", "title": "The token may not do this",
                "status": 403, "code": "scope", "detail": "Words.", "instance": "/api/v1/pairs",
                "needs": "write",
            })
        );
    }
}
