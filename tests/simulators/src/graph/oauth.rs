//! The page of consent, and where it leads.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use jiff::SignedDuration;

use super::asking::{Asking, value};
use super::entra::Wrong;
use super::grants::Code;
use super::mistakes::Mistakes;
use super::pages::{back, quoted, trouble};
use super::paths::ANSWER;
use super::registration::short;
use super::reply::Reply;
use super::shared::Shared;
use super::state::{Person, Policy, Records};

/// Parameters of the page's address.
const KNOWN: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "domain_hint",
    "claims",
];

fn refused(asked: &[(String, String)], wrong: &Wrong, subcode: Option<&str>) -> Reply {
    let words = wrong.words();
    let mut with = vec![("error", wrong.error), ("error_description", words.as_str())];
    with.extend(subcode.map(|code| ("error_subcode", code)));
    back(asked, &with)
}

/// Whether a person may sign in under this name of a tenant.
fn may(records: &Records, person: &Person, tenant: &str) -> bool {
    let Some(own) = records.tenants.get(&person.tenant) else { return false };
    match tenant {
        "common" => true,
        "organizations" => !own.personal,
        "consumers" => own.personal,
        name => own.id == name || own.domain == name,
    }
}

/// The consent page: people and scopes.
pub(super) fn page(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    asked: &[(String, String)],
    query: &str,
) -> Reply {
    let wrong = mistakes(shared, records, tenant, asked);
    if !wrong.is_empty() {
        wrong.iter().for_each(|words| records.violation(format!("authorize: {words}")));
        return trouble(&wrong.join("; "));
    }
    if value(asked, "prompt") == Some("none") {
        return refused(asked, &Wrong::of(50_058, &shared.manners()), None);
    }
    let accounts: String = records
        .people
        .iter()
        .enumerate()
        .filter(|(_, person)| may(records, person, tenant))
        .map(|(place, person)| {
            format!("<option value={place}>{}</option>", quoted(&person.address))
        })
        .collect();
    let scopes: String = value(asked, "scope")
        .unwrap_or_default()
        .split(' ')
        .map(|scope| format!("<li>{}</li>", quoted(scope)))
        .collect();
    Reply::html(
        200,
        format!(
            "<!doctype html><html lang=en><meta name=viewport content=\"width=device-width\">\
             <title>Sign in to your account</title><main><h1>Permissions requested</h1>\
             <form method=post action=\"/{tenant}{ANSWER}\">\
             <input type=hidden name=request value=\"{}\"><p><label>Account \
             <select name=account>{accounts}</select></label><p>calrelay would like to:\
             <ul>{scopes}</ul><p><button name=answer value=accept>Accept</button> \
             <button name=answer value=cancel>Cancel</button></form></main>",
            quoted(query)
        ),
    )
}

fn mistakes(
    shared: &Shared,
    records: &Records,
    tenant: &str,
    pairs: &[(String, String)],
) -> Vec<String> {
    let mut wrong = Mistakes::of(shared, pairs, KNOWN);
    for (n, (name, _)) in pairs.iter().enumerate() {
        let is_again = pairs[..n].iter().any(|(earlier, _)| earlier == name);
        wrong.must(!is_again, &format!("{name} twice"));
    }
    let general = matches!(tenant, "common" | "organizations" | "consumers");
    let is_tenant = general || records.tenant_named(tenant).is_some();
    wrong.must(is_tenant, "AADSTS90002: tenant not found");
    wrong.must(value(pairs, "response_type") == Some("code"), "response_type is not code");
    wrong.must(
        value(pairs, "response_mode").is_none_or(|mode| mode == "query"),
        "response_mode is not query",
    );
    wrong.must(
        value(pairs, "code_challenge_method") == Some("S256"),
        "code_challenge_method is not S256",
    );
    wrong.must(
        value(pairs, "code_challenge")
            .is_some_and(|c| BASE64URL_NOPAD.decode(c.as_bytes()).is_ok_and(|c| c.len() == 32)),
        "no code_challenge of 32 bytes",
    );
    for name in ["state", "nonce"] {
        wrong.must_be_random(pairs, name);
    }
    let prompts = ["none", "login", "consent", "select_account"];
    wrong.must(
        value(pairs, "prompt").is_none_or(|prompt| prompts.contains(&prompt)),
        "prompt is none of those that there are",
    );
    let is_object = |claims: &str| {
        serde_json::from_str::<serde_json::Value>(claims).is_ok_and(|claims| claims.is_object())
    };
    wrong.must(value(pairs, "claims").is_none_or(is_object), "claims are no JSON object");
    wrong.all()
}

/// The person's answer: a way back to the client, with a code or with an error.
pub(super) fn decide(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    form: &[(String, String)],
) -> Reply {
    let asked = Asking::pairs(value(form, "request").unwrap_or_default().as_bytes());
    let place: Option<usize> = value(form, "account").and_then(|place| place.parse().ok());
    let manners = shared.manners();
    if !mistakes(shared, records, tenant, &asked).is_empty() {
        return trouble("the request is not right");
    }
    let Some((place, person)) = place
        .and_then(|place| Some((place, records.people.get(place)?)))
        .filter(|(_, person)| may(records, person, tenant))
    else {
        return trouble(&Wrong::of(50_020, &manners).words());
    };
    let refuse = |number: u32, subcode| refused(&asked, &Wrong::of(number, &manners), subcode);
    let said = value(form, "answer").unwrap_or_default();
    if let Ok(number) = said.parse() {
        return refuse(number, None);
    }
    if said != "accept" {
        return refuse(65_004, Some("cancel"));
    }
    if let Some(number) = person.refused_with {
        return refuse(number, None);
    }
    let own = records.tenants.get(&person.tenant);
    let scopes: BTreeSet<String> =
        value(&asked, "scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
    let calendars = scopes.iter().any(|scope| short(scope).starts_with("Calendars."));
    let waits = own.is_some_and(|own| own.policy == Policy::Administrator && !own.consented);
    if waits && calendars {
        let subcode = (manners.administrator_number == 65_004).then_some("cancel");
        return refuse(manners.administrator_number, subcode);
    }
    // One who unticks nothing can still lose a permission: by the administrator's choice.
    let scopes: BTreeSet<String> = match value(form, "without") {
        Some(without) => scopes.into_iter().filter(|scope| short(scope) != without).collect(),
        None => scopes,
    };
    records.people[place].consented.extend(scopes.iter().map(|scope| short(scope).to_owned()));
    let code = Code {
        person: place,
        scopes,
        redirect: value(&asked, "redirect_uri").unwrap_or_default().to_owned(),
        challenge: value(&asked, "code_challenge").unwrap_or_default().to_owned(),
        nonce: value(&asked, "nonce").map(str::to_owned),
        claims: value(&asked, "claims").map(str::to_owned),
        expires: shared.clock.now() + SignedDuration::from_mins(10),
        used: false,
    };
    let code = records.grants.new_code(code);
    let session = super::ids::uuid(records.next(), 3);
    back(&asked, &[("code", &code), ("session_state", &session)])
}
