//! Who asks: decided here, once for each request, before any handler.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use jobs::access::{self, Permission};
use jobs::{LOCAL_OWNER, Scope, Services};

use crate::guard::{self, Part};
use crate::problem::{ApiError, Code};
use crate::request::{Source, WebRequest};
use crate::session_cookie;

/// Who asks, and for whose data.
#[derive(Clone)]
pub struct Visitor {
    /// The work of the owner of the data.
    pub scope: Scope,
    pub by: By,
    /// What the visitor may do.
    pub permissions: Vec<Permission>,
    /// Scheme and host under which the visitor has asked.
    pub site: String,
}

/// How the visitor is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// As the user of this machine.
    Loopback,
    /// By the session of a browser.
    Session,
    /// By an access token.
    Token,
}

impl By {
    /// The name in the API and in the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// Why nobody is let in.
#[derive(Debug)]
pub enum Refusal {
    /// Another name of the host.
    Misdirected,
    /// Another site asked.
    CrossSite,
    /// Nothing says who asks, or a token that is not valid.
    Unauthenticated {
        /// A token was sent.
        token: bool,
    },
    Failed(jobs::Error),
}

impl Visitor {
    /// The visitor of a request to this part.
    pub async fn admit(
        services: &Services,
        request: &WebRequest,
        part: Part,
    ) -> Result<Self, Refusal> {
        check_origin(services, request, part)?;
        let public_url = services.setup.public_url.as_deref();
        if part == Part::Api
            && let Some(token) = bearer(&request.headers)
        {
            return Self::by_token(services, token, site(services, request)).await;
        }
        if request.source == Source::Local {
            return Ok(Self::owner(services.local(), By::Loopback, site(services, request)));
        }
        if part == Part::Pages
            && let Some(secret) = session_cookie::read(&request.headers, public_url)
        {
            let scope = services.scope(LOCAL_OWNER);
            if access::is_session(&scope, &secret).await.map_err(Refusal::Failed)? {
                // Every browser that has a session says who asked.
                if guard::is_unsafe(&request.method) && !guard::says_who_asked(&request.headers) {
                    return Err(Refusal::CrossSite);
                }
                return Ok(Self::owner(scope, By::Session, site(services, request)));
            }
        }
        Err(Refusal::Unauthenticated { token: false })
    }

    async fn by_token(
        services: &Services,
        token: Option<&str>,
        site: String,
    ) -> Result<Self, Refusal> {
        let refused = Refusal::Unauthenticated { token: true };
        let Some(token) = token else { return Err(refused) };
        match access::verify(services, token).await {
            Ok(Some(found)) => Ok(Self {
                scope: services.scope(&found.owner),
                by: By::Token,
                permissions: found.scopes,
                site,
            }),
            Ok(None) => Err(refused),
            Err(error) => Err(Refusal::Failed(error)),
        }
    }

    fn owner(scope: Scope, by: By, site: String) -> Self {
        Self { scope, by, permissions: Permission::ALL.to_vec(), site }
    }

    /// # Errors
    /// `scope`, where a token does not allow it.
    pub fn check(&self, permission: Permission) -> Result<(), ApiError> {
        if self.permissions.contains(&permission) {
            return Ok(());
        }
        let name = permission.as_str();
        let words = format!(
            "This token may not do that: it needs the scope \"{name}\". Nothing was changed. Make a \
            token with that scope."
        );
        Err(ApiError::new(Code::Scope, words).needs(name))
    }
}

/// Scheme and host under which this service was asked.
fn site(services: &Services, request: &WebRequest) -> String {
    match &services.setup.public_url {
        Some(public) => public.trim_end_matches('/').to_owned(),
        None => {
            let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            format!("http://{}", host.unwrap_or("localhost"))
        }
    }
}

/// Checks the name of the host, and who made the browser ask.
pub fn check_origin(services: &Services, request: &WebRequest, part: Part) -> Result<(), Refusal> {
    let public_url = services.setup.public_url.as_deref();
    if !guard::is_own_host(request, public_url) {
        return Err(Refusal::Misdirected);
    }
    if guard::is_cross_site(request, part, public_url) {
        return Err(Refusal::CrossSite);
    }
    Ok(())
}

/// The token of a request; `Some(None)` where what stands for it is none.
fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next()?;
    let Some((scheme, token)) = first.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Some(None);
    };
    let is_one = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    Some(is_one.then_some(token.trim()))
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::internal)
    }
}

macro_rules! extractors {
    ($($(#[$about:meta])* $name:ident => $check:expr;)*) => {$(
        $(#[$about])*
        pub struct $name(pub Visitor);

        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                let visitor = Visitor::from_request_parts(parts, state).await?;
                let check: fn(&Visitor) -> Result<(), ApiError> = $check;
                check(&visitor)?;
                Ok(Self(visitor))
            }
        }
    )*};
}

extractors! {
    /// A visitor who may read.
    MayRead => |visitor| visitor.check(Permission::Read);
    /// A visitor who may start runs.
    MaySync => |visitor| visitor.check(Permission::Sync);
    /// A visitor who may change accounts and pairs.
    MayWrite => |visitor| visitor.check(Permission::Write);
    /// A person: no token does this.
    InPerson => |visitor| match visitor.by {
        By::Token => Err(ApiError::new(
            Code::NotByToken,
            "This is not done with a token, whatever its scopes. Nothing was changed. Do it in a \
            browser, signed in, or on the machine itself.",
        )),
        By::Loopback | By::Session => Ok(()),
    };
    /// The operator: the user of the machine.
    Operator => |visitor| match visitor.by {
        By::Loopback => Ok(()),
        By::Session | By::Token => Err(ApiError::new(
            Code::OperatorOnly,
            "Only the user of the machine sees how this installation is. Ask for it there, under \
            the name localhost.",
        )),
    };
}
