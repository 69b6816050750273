//! One call of Graph, after it has been read and before it is answered: who asks, and whether
//! Microsoft's own description allows it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::asking::Asking;
use super::manners::Manners;
use super::paths::BASE;
use super::prefer::Prefer;
use super::reply::{Refusal, Reply};
use super::schema::{Operation, Schema};
use super::state::{Mailbox, Records};

/// A call that may be made.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub operation: Operation,
    pub request: &'a Asking,
    pub query: Vec<(String, String)>,
    pub body: Map<String, Value>,
    pub prefer: Prefer,
    /// The place of the person.
    pub person: usize,
    /// Whether the person's shared calendars are open to the token.
    pub shared_too: bool,
    pub now: Timestamp,
    pub manners: &'a Manners,
    /// Scheme and host, without a slash.
    pub base: &'a str,
}

impl Call<'_> {
    /// The n-th id in the path.
    pub fn id(&self, n: usize) -> &str {
        self.operation.ids.get(n).map(String::as_str).unwrap_or_default()
    }

    /// The id of the event in the path, which comes after that of a calendar or alone.
    pub fn event_id(&self) -> &str {
        self.operation.ids.last().map(String::as_str).unwrap_or_default()
    }

    /// The id of the calendar before that of the event, where there is one.
    pub fn calendar_id(&self) -> Option<&str> {
        let within = self.request.path.contains("/me/calendars/");
        self.operation.ids.first().map(String::as_str).filter(|_| within)
    }

    pub fn immutable(&self) -> bool {
        self.prefer.immutable && !self.manners.regular_ids
    }

    /// The address of this call, without its query.
    pub fn address(&self) -> String {
        format!("{}{}", self.base, self.request.path)
    }

    /// An answer with `@odata.context` and what was applied of `Prefer`.
    pub fn reply(&self, status: u16, mut body: Map<String, Value>, context: &str) -> Reply {
        let context = format!("{}{BASE}/$metadata#{context}", self.base);
        body.insert("@odata.context".into(), Value::String(context));
        let reply = Reply::json(status, Value::Object(body));
        match self.prefer.applied() {
            Some(applied) => reply.header("preference-applied", applied),
            None => reply,
        }
    }
}

/// Reads a call, and records what is wrong with it.
pub(super) fn checked<'a>(
    records: &mut Records,
    request: &'a Asking,
    manners: &'a Manners,
    base: &'a str,
    now: Timestamp,
) -> Result<Call<'a>, Refusal> {
    let schema = Schema::get();
    let Some(operation) = request.operation() else {
        records.violation(format!("{} of something that Graph does not have", request.verb));
        return Err(Refusal::new(400, "BadRequest", "Resource not found for the segment."));
    };
    let (person, shared_too) = authenticate(records, request, &operation, now)?;
    let prefer = Prefer::read(&request.headers, manners)?;
    preferred(records, &operation, &prefer);
    if operation.name.contains("/me/")
        && let Mailbox::None(status) = records.people[person].mailbox
    {
        let words = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
        return Err(Refusal::new(status, "MailboxNotEnabledForRESTAPI", words));
    }
    let query = Asking::pairs(request.query.as_bytes());
    let mut wrong = wrong_options(&operation, &query, &request.query);
    let body = body(&operation, request, &mut wrong);
    if !wrong.is_empty() {
        let name = operation.name;
        wrong.iter().for_each(|words| records.violation(format!("{name}: {words}")));
        return Err(Refusal::body(&wrong.join("; ")));
    }
    for words in schema.read_only("event", &body) {
        if operation.name.contains("event") {
            records.violation(format!("{}: {words}", operation.name));
        }
    }
    Ok(Call { operation, request, query, body, prefer, person, shared_too, now, manners, base })
}

fn authenticate(
    records: &mut Records,
    request: &Asking,
    operation: &Operation,
    now: Timestamp,
) -> Result<(usize, bool), Refusal> {
    let realm = "Bearer realm=\"\", authorization_uri=\
                 \"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 client_id=\"00000003-0000-0000-c000-000000000000\"";
    let refuse = |words: &str, more: &str| {
        Refusal::new(401, "InvalidAuthenticationToken", words)
            .with("www-authenticate", format!("{realm}{more}"))
    };
    let Some((access, lives)) =
        request.bearer().and_then(|token| records.grants.access(token, now))
    else {
        return Err(refuse("CompactToken parsing failed with error code: 80049217", ""));
    };
    let person = access.person;
    if let Some(challenge) =
        records.people[person].challenge.as_ref().filter(|c| access.claims.as_ref() != Some(*c))
    {
        let claims = data_encoding::BASE64.encode(challenge.as_bytes());
        let more = format!(", error=\"insufficient_claims\", claims=\"{claims}\"");
        return Err(refuse("Continuous access evaluation resulted in challenge.", &more));
    }
    if !lives {
        let more = ", error=\"invalid_token\", error_description=\"The token is expired\"";
        return Err(refuse("Lifetime validation failed, the token is expired.", more));
    }
    let has = |names: &[&str]| names.iter().any(|name| access.scopes.contains(*name));
    let reads = operation.name.starts_with("GET") || operation.name.contains("/subscriptions");
    let allowed = has(&["Calendars.ReadWrite", "Calendars.ReadWrite.Shared"])
        || (reads && has(&["Calendars.Read", "Calendars.Read.Shared"]));
    if !allowed {
        return Err(Refusal::denied());
    }
    let shared_too =
        has(&["Calendars.ReadWrite.Shared"]) || (reads && has(&["Calendars.Read.Shared"]));
    Ok((person, shared_too))
}

/// What every request has to prefer: the kind of ids, and of events UTC and text.
fn preferred(records: &mut Records, operation: &Operation, prefer: &Prefer) {
    let name = operation.name;
    if !prefer.immutable {
        records.without_id_type += 1;
        records.violation(format!("{name}: no IdType"));
    }
    let wants = |wanted: &str| Schema::get().listed(name, "prefer").any(|listed| listed == wanted);
    if wants("outlook.timezone") && !(prefer.asks_zone && prefer.zone == "UTC") {
        records.violation(format!("{name}: UTC is not asked for"));
    }
    if wants("outlook.body-content-type") && !prefer.text {
        records.violation(format!("{name}: text is not asked for"));
    }
    if prefer.page.is_some_and(|page| page > 1_000) {
        records.violation(format!("{name}: pages of more than 1000"));
    }
}

/// What is wrong with the options of a query.
fn wrong_options(operation: &Operation, query: &[(String, String)], raw: &str) -> Vec<String> {
    let schema = Schema::get();
    let mut wrong = Vec::new();
    if raw.contains('+') {
        wrong.push("a blank in the query is not %20".to_owned());
    }
    let listed = || {
        let query = schema.listed(operation.name, "query");
        query.chain(schema.listed(operation.name, "required"))
    };
    for (n, (name, value)) in query.iter().enumerate() {
        if !listed().any(|listed| listed.split('=').next() == Some(name)) {
            wrong.push(format!("unknown option {name}"));
        }
        // `$expand=exceptionOccurrences` is of the operation that lists it alone.
        if name == "$expand"
            && value.contains("exceptionOccurrences")
            && !listed().any(|listed| listed.ends_with("=exceptionOccurrences"))
        {
            wrong.push("no exceptionOccurrences to expand".to_owned());
        }
        if query[..n].iter().any(|(earlier, _)| earlier == name) {
            wrong.push(format!("option {name} twice"));
        }
    }
    let resumes = query.iter().any(|(name, _)| name == "$deltatoken" || name == "$skiptoken");
    for name in schema.listed(operation.name, "required").filter(|_| !resumes) {
        if !query.iter().any(|(given, _)| given == name) {
            wrong.push(format!("no {name}"));
        }
    }
    wrong
}

/// The body as JSON, where the operation has one.
fn body(operation: &Operation, request: &Asking, wrong: &mut Vec<String>) -> Map<String, Value> {
    let kind = match operation.name.split(' ').next() {
        Some("POST" | "PATCH") if operation.name.contains("/subscriptions") => "subscription",
        Some("POST" | "PATCH") => "event",
        _ => {
            if !request.body.is_empty() {
                wrong.push("a body where there is none".to_owned());
            }
            return Map::new();
        }
    };
    if request.body.is_empty() && operation.name.starts_with("POST") && !operation.ids.is_empty() {
        return Map::new();
    }
    let is_json = request
        .header("content-type")
        .is_some_and(|kind| kind.split(';').next() == Some("application/json"));
    if !is_json {
        wrong.push("the body is not said to be JSON".to_owned());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => {
            wrong.extend(Schema::get().check_sent(kind, &Value::Object(body.clone())));
            body
        }
        _ => {
            wrong.push("the body is no JSON object".to_owned());
            Map::new()
        }
    }
}

/// Holds an answer of our own against the description.
pub(super) fn check_answer(records: &mut Records, call: &Call<'_>, reply: &Reply) {
    let name = call.operation.name;
    let kind = match name.split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/subscriptions") => "subscription",
        "/me/calendars" | "/me/calendars/{calendarId}" | "/me/events/{eventId}/calendar" => {
            "calendar"
        }
        _ => "event",
    };
    if !reply.value.is_object() || reply.status >= 400 {
        return;
    }
    for words in Schema::get().check_answer(kind, &reply.value) {
        records.violation(format!("the simulator's own answer to {name}: {words}"));
    }
}
