//! One call of the API: who asks, whether Google's own description allows it, and its answer.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::asking::Asking;
use super::call::Call;
use super::discovery::BASE;
use super::reply::{Refusal, Reply};
use super::shared::Shared;
use super::state::Records;
use super::{calendar_list, channels, faults, fields, listing, write};

/// One call of the API, alone or inside of a batch.
pub(super) fn api(shared: &Arc<Shared>, request: &Asking) -> Reply {
    let reply = shared.write(|records| match checked(shared, records, request) {
        Ok(reply) => reply,
        Err(refusal) => refusal.reply(),
    });
    if !request.path.starts_with(BASE) {
        return Reply::html(404, "<title>Error 404 (Not Found)!!1</title>".to_owned());
    }
    reply
}

fn checked(
    shared: &Arc<Shared>,
    records: &mut Records,
    request: &Asking,
) -> Result<Reply, Refusal> {
    let discovery = shared.discovery;
    let Some((method, path)) = discovery.route(&request.verb, &request.path) else {
        records.violation(format!("{} of something that the API does not have", request.verb));
        return Err(Refusal::not_found());
    };
    let (now, manners) = (shared.clock.now(), shared.manners());
    let token = request.header("authorization").and_then(|said| said.strip_prefix("Bearer "));
    let access = token
        .and_then(|token| records.grants.access(token, now))
        .ok_or_else(|| Refusal::of_status(401))?;
    if !method.scopes.iter().any(|scope| access.scopes.contains(scope)) {
        return Err(Refusal::new(
            403,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        ));
    }
    let calendar = path.get("calendarId").map(String::as_str);
    records.usage.call(
        faults::kind(&method.id),
        &access.account,
        calendar,
        &manners.quotas,
        now,
    )?;
    let query = Asking::pairs(request.query.as_bytes());
    let mut wrong = discovery.check_query(method, &query);
    let body = body(method.request.is_some(), request, &mut wrong);
    if let Some(schema) = method.request.as_ref().filter(|_| wrong.is_empty()) {
        wrong.extend(discovery.check_body(schema, &body, true));
    }
    if !wrong.is_empty() {
        wrong.iter().for_each(|words| records.violation(format!("{}: {words}", method.id)));
        return Err(Refusal::new(400, "invalidParameter", &wrong.join("; ")));
    }
    let Value::Object(body) = body else {
        return Err(Refusal::new(400, "parseError", "Parse Error"));
    };
    for words in discovery.read_only(method, &body) {
        records.violation(format!("{}: {words}", method.id));
    }
    let call = Call {
        method,
        path,
        query,
        body,
        headers: &request.headers,
        account: access.account,
        now,
        manners: &manners,
        base: &shared.base(),
    };
    let reply = dispatch(records, &call)?;
    if let Some(schema) = method.response.as_ref().filter(|_| reply.status == 200) {
        for words in discovery.check_body(schema, &reply.value, false) {
            records.violation(format!("the simulator's own answer to {}: {words}", method.id));
        }
    }
    match (call.param("fields"), &method.response) {
        (Some(selection), Some(schema)) if reply.status == 200 => {
            let picked =
                fields::selected(selection, &reply.value, |path| discovery.has_field(schema, path));
            picked.map(|picked| Reply::json(200, picked)).map_err(|words| {
                records.violation(format!("{}: {words}", method.id));
                Refusal::new(400, "invalidParameter", "Invalid field selection")
            })
        }
        _ => Ok(reply),
    }
}

fn dispatch(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    match call.method.id.as_str() {
        "calendarList.list" => calendar_list::list(records, call),
        "calendarList.get" => calendar_list::get(records, call),
        "events.list" => listing::list(records, call),
        "events.instances" => listing::instances(records, call),
        "events.get" => write::get(records, call),
        "events.insert" => write::insert(records, call),
        "events.import" => write::import(records, call),
        "events.update" | "events.patch" => write::change(records, call),
        "events.delete" => write::delete(records, call),
        "events.watch" => channels::watch(records, call),
        "channels.stop" => channels::stop(records, call),
        other => {
            records.violation(format!("{other} is not simulated"));
            Err(Refusal::new(501, "notImplemented", "Not simulated."))
        }
    }
}

/// The body as JSON, where the method has one.
fn body(has_one: bool, request: &Asking, wrong: &mut Vec<String>) -> Value {
    let empty = Value::Object(Map::new());
    if !has_one {
        if !request.body.is_empty() {
            wrong.push("a body where there is none".to_owned());
        }
        return empty;
    }
    if !request.body.is_empty()
        && request
            .header("content-type")
            .is_none_or(|kind| kind.split(';').next() != Some("application/json"))
    {
        wrong.push("the body is not said to be JSON".to_owned());
    }
    match serde_json::from_slice(&request.body) {
        Ok(value @ Value::Object(_)) => value,
        _ => {
            wrong.push("the body is no JSON object".to_owned());
            empty
        }
    }
}
