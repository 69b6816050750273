//! The administrator's consent for all of a tenant. Its answer proves nothing: anybody can send
//! one.

use super::asking::{Asking, value};
use super::entra::Wrong;
use super::mistakes::Mistakes;
use super::pages::{back, quoted, trouble};
use super::paths::ADMIN_ANSWER;
use super::reply::Reply;
use super::shared::Shared;
use super::state::Records;

const KNOWN: &[&str] = &["client_id", "scope", "redirect_uri", "state"];

fn mistakes(
    shared: &Shared,
    records: &Records,
    tenant: &str,
    pairs: &[(String, String)],
) -> Vec<String> {
    let mut wrong = Mistakes::of(shared, pairs, KNOWN);
    wrong.must(
        tenant == "organizations"
            || records.tenant_named(tenant).is_some_and(|tenant| !tenant.personal),
        "AADSTS900201: admin consent is for one organisation",
    );
    wrong.must_be_random(pairs, "state");
    wrong.all()
}

pub(super) fn page(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    asked: &[(String, String)],
    query: &str,
) -> Reply {
    let wrong = mistakes(shared, records, tenant, asked);
    if !wrong.is_empty() {
        wrong.iter().for_each(|words| records.violation(format!("adminconsent: {words}")));
        return trouble(&wrong.join("; "));
    }
    let people: String = records
        .people
        .iter()
        .enumerate()
        .map(|(place, person)| {
            format!("<option value={place}>{}</option>", quoted(&person.address))
        })
        .collect();
    Reply::html(
        200,
        format!(
            "<!doctype html><html lang=en><meta name=viewport content=\"width=device-width\">\
             <title>Permissions requested</title><main><h1>Review for your organization</h1>\
             <form method=post action=\"/{tenant}{ADMIN_ANSWER}\">\
             <input type=hidden name=request value=\"{}\"><p><label>Account \
             <select name=account>{people}</select></label>\
             <p><button name=answer value=accept>Accept</button> \
             <button name=answer value=cancel>Cancel</button></form></main>",
            quoted(query)
        ),
    )
}

pub(super) fn decide(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    form: &[(String, String)],
) -> Reply {
    let asked = Asking::pairs(value(form, "request").unwrap_or_default().as_bytes());
    let place: Option<usize> = value(form, "account").and_then(|place| place.parse().ok());
    if !mistakes(shared, records, tenant, &asked).is_empty() {
        return trouble("the request is not right");
    }
    let named = records.tenant_named(tenant).map(|tenant| tenant.id.clone());
    let Some(person) = place.and_then(|place| records.people.get(place)).filter(|person| {
        person.administrator && named.as_ref().is_none_or(|tenant| *tenant == person.tenant)
    }) else {
        return trouble(&Wrong::of(90_094, &shared.manners()).words());
    };
    if value(form, "answer") != Some("accept") {
        let words = "AADSTS65004: The resource owner or authorization server denied the request.";
        return back(
            &asked,
            &[
                ("admin_consent", "True"),
                ("error", "consent_required"),
                ("error_description", words),
            ],
        );
    }
    let own = person.tenant.clone();
    if let Some(tenant) = records.tenants.get_mut(&own) {
        tenant.consented = true;
    }
    let scope = value(&asked, "scope").unwrap_or_default();
    back(&asked, &[("admin_consent", "True"), ("tenant", &own), ("scope", scope)])
}
