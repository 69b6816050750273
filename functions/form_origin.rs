//! The providers to which the buttons of pages lead.

use http::header;

use crate::page::FORMS;
use crate::trigger::Response;

/// Lets the button of a page lead to a provider whose address is not https: a browser refuses that
/// redirect otherwise.
pub(crate) fn with_form_origin(mut response: Response, origin: Option<&str>) -> Response {
    let Some(origin) = origin else { return response };
    let policy = response.headers.iter_mut().find(|it| it.0 == header::CONTENT_SECURITY_POLICY);
    if let Some((_, policy)) = policy
        && let Some(known) = policy.to_str().ok()
        && let Ok(more) = known.replace(FORMS, &format!("{FORMS} {origin}")).try_into()
    {
        *policy = more;
    }
    response
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::page::{NextStep, page_with};

    #[test]
    fn a_button_leads_to_an_address_without_https_where_a_provider_has_one() {
        let button = NextStep::Button { label: "x", to: "/x", field: None };
        let policy = |way, origin| {
            let page = with_form_origin(page_with(StatusCode::OK, "x", &[], way), origin);
            let found = page.headers.iter().find(|it| it.0 == header::CONTENT_SECURITY_POLICY);
            found.unwrap().1.to_str().unwrap().to_owned()
        };
        let origin = Some("http://127.0.0.1:4711");
        let allowed = "form-action 'self' https: http://127.0.0.1:4711; frame-ancestors";
        assert!(policy(button, origin).contains(allowed), "{}", policy(button, origin));
        assert!(policy(button, None).contains("form-action 'self' https:; frame-ancestors"));
        assert!(policy(NextStep::Nowhere, origin).contains("form-action 'none';"));
    }
}
