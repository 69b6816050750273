//! Compares the simulator with the servers that it imitates: equal requests, equal observations,
//! line by line.
//!
//! The observations are what a client relies on: statuses, preconditions, which resources are
//! listed, whether a token or an ETag changed. Wording, order and header fields that no client
//! reads are left out. A line that differs is a defect of the simulator, or a change of the server.

use simulators::caldav::{CalDav, Manners, crlf};
use simulators::client::{Answer, Client};
use simulators::servers::Server;
use simulators::xml::{CALDAV, CALENDAR_SERVER, DAV, Node};

#[tokio::test]
async fn our_server_behaves_like_radicale() {
    let real = Server::radicale(&[("alice", "secret")]).await.unwrap();
    let client = Client::new(real.url()).login("alice", "secret");
    same(observe(client, "alice").await, imitation(Manners::radicale_like(), "alice").await);
}

#[tokio::test]
async fn our_server_behaves_like_xandikos() {
    let real = Server::xandikos().await.unwrap();
    let client = Client::new(real.url()).login("user", "any");
    same(observe(client, "user").await, imitation(Manners::xandikos_like(), "user").await);
}

async fn imitation(manners: Manners, user: &str) -> Vec<String> {
    let ours = CalDav::start(manners).await.unwrap();
    ours.account(user, "secret");
    observe(Client::new(&ours.url()).login(user, "secret"), user).await
}

fn same(real: Vec<String>, ours: Vec<String>) {
    let differing: Vec<String> = real
        .iter()
        .zip(&ours)
        .filter(|(real, ours)| real != ours)
        .map(|(real, ours)| format!("real {real}\nours {ours}"))
        .collect();
    assert!(differing.is_empty() && real.len() == ours.len(), "{}", differing.join("\n\n"));
}

/// One run of the script: what was seen, one line a step.
async fn observe(client: Client, user: &str) -> Vec<String> {
    let mut run = Run { client, path: String::new(), seen: Vec::new() };
    run.discovery(user).await;
    run.writes().await;
    run.reading().await;
    run.tokens().await;
    run.ranges().await;
    run.what_is_not_there().await;
    run.seen
}

struct Run {
    client: Client,
    /// The calendar.
    path: String,
    seen: Vec<String>,
}

impl Run {
    async fn discovery(&mut self, user: &str) {
        let answer = self.propfind("/", "0", "<current-user-principal/>").await;
        let principal = inner(&answer, DAV, "current-user-principal");
        self.see("principal", &principal);
        let answer = self.propfind(&principal, "0", "<c:calendar-home-set/><s:nothing/>").await;
        let home = inner(&answer, CALDAV, "calendar-home-set");
        self.see("home", &home);
        self.see("an unknown property", &propstats(&answer));
        self.path = format!("{home}work/");
        let made = self.client.send("MKCALENDAR", &self.path, &[], "").await.unwrap();
        self.see("MKCALENDAR", &made.status.to_string());
        let answer = self
            .propfind(
                &home,
                "1",
                "<resourcetype/><s:getctag/><sync-token/><c:supported-calendar-component-set/><current-user-privilege-set/>",
            )
            .await;
        let root = answer.xml().unwrap();
        let work = root
            .all(DAV, "response")
            .find(|r| href(r).ends_with("/work/"))
            .expect("the calendar is listed");
        let prop = work.find(DAV, "propstat").and_then(|p| p.find(DAV, "prop")).unwrap();
        let names = |property: &str, ns: &str| {
            let mut names: Vec<String> =
                prop.find(ns, property).unwrap().children.iter().map(|c| c.name.clone()).collect();
            names.sort();
            names.join(" ")
        };
        self.see(
            "a calendar in its home",
            &format!("{} {}", href(work), names("resourcetype", DAV)),
        );
        let events = prop.find(CALDAV, "supported-calendar-component-set").unwrap();
        self.see(
            "events",
            &events.children.iter().any(|c| c.get("name") == Some("VEVENT")).to_string(),
        );
        let writable = prop.find(DAV, "current-user-privilege-set").unwrap();
        let write = |p: &Node| p.find(DAV, "write").or(p.find(DAV, "all")).is_some();
        self.see("writable", &writable.children.iter().any(write).to_string());
        for (ns, name) in [(CALENDAR_SERVER, "getctag"), (DAV, "sync-token")] {
            self.see(name, &prop.find(ns, name).is_some_and(|p| !p.text.is_empty()).to_string());
        }
        let well_known = self
            .client
            .send("PROPFIND", "/.well-known/caldav", &[("depth", "0")], "")
            .await
            .unwrap();
        self.see(
            "well-known",
            &format!("{} {}", well_known.status / 100, well_known.header("location")),
        );
        let stranger = Client::new(self.client.base()).login(user, "wrong");
        let answer = stranger.xml("PROPFIND", &home, "0", "").await.unwrap();
        // A server without logins accepts every user.
        self.see("wrong password", &answer.status.to_string());
    }

    async fn writes(&mut self) {
        let first = self.put("create", "a.ics", &event("a", "1"), &[("if-none-match", "*")]).await;
        self.put("create again", "a.ics", &event("a", "1"), &[("if-none-match", "*")]).await;
        self.put("the UID under another name", "z.ics", &event("a", "1"), &[]).await;
        self.put(
            "update with a wrong version",
            "a.ics",
            &event("a", "2"),
            &[("if-match", "\"wrong\"")],
        )
        .await;
        self.put("update of nothing", "z.ics", &event("z", "2"), &[("if-match", "\"wrong\"")])
            .await;
        let second = self
            .put("update", "a.ics", &event("a", "2"), &[("if-match", first.header("etag"))])
            .await;
        self.see("the ETag changed", &(first.header("etag") != second.header("etag")).to_string());
        self.put(
            "update with the version before",
            "a.ics",
            &event("a", "3"),
            &[("if-match", first.header("etag"))],
        )
        .await;
        self.put("update of any content", "a.ics", &event("a", "3"), &[("if-match", "*")]).await;
        self.put("another UID in its place", "a.ics", &event("other", "3"), &[]).await;
        self.put("what is no calendar", "z.ics", "nonsense", &[]).await;
        self.put(
            "no DTEND",
            "b.ics",
            &event("b", "1").replace("DTEND:20260310T110000Z\r\n", ""),
            &[],
        )
        .await;
        self.delete("delete with a wrong version", "b.ics", &[("if-match", "\"wrong\"")]).await;
        self.delete("delete", "b.ics", &[]).await;
        self.delete("delete again", "b.ics", &[]).await;
        // All servers are in the same state before the next observations.
        self.client.send("DELETE", &format!("{}a.ics", self.path), &[], "").await.unwrap();
    }

    async fn reading(&mut self) {
        for name in ["a", "b"] {
            self.put("create", &format!("{name}.ics"), &event(name, "1"), &[]).await;
        }
        let got = self.client.send("GET", &format!("{}a.ics", self.path), &[], "").await.unwrap();
        self.see(
            "GET",
            &format!("{} {}", got.status, got.header("content-type").split(';').next().unwrap()),
        );
        let missing =
            self.client.send("GET", &format!("{}none.ics", self.path), &[], "").await.unwrap();
        self.see("GET of nothing", &missing.status.to_string());
        let multiget = format!(
            r#"<c:calendar-multiget xmlns="DAV:" xmlns:c="{CALDAV}"><prop><getetag/><c:calendar-data/></prop><href>{0}a.ics</href><href>{0}none.ics</href></c:calendar-multiget>"#,
            self.path
        );
        let answer = self.report("1", &multiget).await;
        self.see("multiget", &members(&answer));
        let data = inner_text(&answer, "calendar-data");
        self.see("the event in it", &data.contains("SUMMARY:1").to_string());
        self.see(
            "its ETag is that of GET",
            &(inner_text(&answer, "getetag") == got.header("etag")).to_string(),
        );
        let listing = self.propfind(&self.path, "1", "<getetag/>").await;
        // Whether the calendar itself is listed first is the server's choice.
        self.see("PROPFIND of the calendar", &members(&listing).replace("work/, ", ""));
        self.see("what is no XML", &self.report("1", "<bad").await.status.to_string());
    }

    async fn tokens(&mut self) {
        let tag = async |run: &Self| {
            inner_text(&run.propfind(&run.path, "0", "<s:getctag/>").await, "getctag")
        };
        let quiet = (tag(self).await, tag(self).await);
        self.see("the ctag of a quiet calendar stays", &(quiet.0 == quiet.1).to_string());
        let (listed, token) = self.sync("", "").await;
        self.see("sync: all", &listed);
        let (listed, same) = self.sync(&token, "").await;
        self.see("sync: nothing new", &format!("{listed} {}", token == same));
        let announced =
            inner_text(&self.propfind(&self.path, "0", "<sync-token/>").await, "sync-token");
        self.see("the token of PROPFIND is that of REPORT", &(announced == token).to_string());
        self.put("create", "c.ics", &event("c", "1"), &[]).await;
        self.put("update", "a.ics", &event("a", "9"), &[]).await;
        self.delete("delete", "b.ics", &[]).await;
        self.see("the ctag changed", &(tag(self).await != quiet.0).to_string());
        self.see("sync: changes", &self.sync(&token, "").await.0);
        let (listed, token) = self.sync("", "").await;
        self.see("sync: all, after a deletion", &listed);
        self.put("create", "d.ics", &event("d", "1"), &[]).await;
        self.delete("delete", "d.ics", &[]).await;
        self.see("sync: made and deleted meanwhile", &self.sync(&token, "").await.0);
        self.delete("delete", "c.ics", &[]).await;
        self.put("create again", "c.ics", &event("c", "2"), &[]).await;
        self.see("sync: deleted and made again", &self.sync(&token, "").await.0);
        let (listed, next) = self.sync("", "<limit><nresults>1</nresults></limit>").await;
        self.see("sync: how many with a limit of 1", &listed.split(", ").count().to_string());
        self.see("sync: and with the token of that", &self.sync(&next, "").await.0);
        for token in
            ["http://example.invalid/never-issued", "0000000000000000000000000000000000000000"]
        {
            let answer = self.report("0", &sync_body(token, "")).await;
            self.see("sync: a token never issued", &refusal(&answer));
        }
    }

    async fn ranges(&mut self) {
        let at = |uid: &str, lines: &str| {
            event(uid, "1").replace(
                "DTSTART:20260310T100000Z\r\nDTEND:20260310T110000Z\r\n",
                &crlf(&format!("{lines}\n")),
            )
        };
        for (uid, lines) in [
            ("inside", "DTSTART:20270510T100000Z\nDTEND:20270510T110000Z"),
            ("before", "DTSTART:20270110T100000Z\nDTEND:20270110T110000Z"),
            ("after", "DTSTART:20271210T100000Z\nDTEND:20271210T110000Z"),
            ("reaching-in", "DTSTART:20270420T100000Z\nDTEND:20270505T110000Z"),
            ("day", "DTSTART;VALUE=DATE:20270512\nDTEND;VALUE=DATE:20270513"),
            ("series", "DTSTART:20270101T100000Z\nDTEND:20270101T110000Z\nRRULE:FREQ=WEEKLY"),
            (
                "series-over",
                "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nRRULE:FREQ=WEEKLY;UNTIL=20260601T000000Z",
            ),
            (
                "series-to-come",
                "DTSTART:20280101T100000Z\nDTEND:20280101T110000Z\nRRULE:FREQ=WEEKLY",
            ),
            ("touching-the-end", "DTSTART:20270601T000000Z\nDTEND:20270601T010000Z"),
            ("touching-the-start", "DTSTART:20270430T230000Z\nDTEND:20270501T000000Z"),
        ] {
            self.put("create", &format!("{uid}.ics"), &at(uid, lines), &[]).await;
        }
        let range = r#"<c:time-range start="20270501T000000Z" end="20270601T000000Z"/>"#;
        let query = |filter: &str| {
            format!(
                r#"<c:calendar-query xmlns="DAV:" xmlns:c="{CALDAV}"><prop><getetag/></prop><c:filter><c:comp-filter name="VCALENDAR">{filter}</c:comp-filter></c:filter></c:calendar-query>"#
            )
        };
        let events = query(&format!(r#"<c:comp-filter name="VEVENT">{range}</c:comp-filter>"#));
        self.see("query: a range", &members(&self.report("1", &events).await));
        self.see(
            "query: all events",
            &members(&self.report("1", &query(r#"<c:comp-filter name="VEVENT"/>"#)).await),
        );
        self.see(
            "query: tasks",
            &members(&self.report("1", &query(r#"<c:comp-filter name="VTODO"/>"#)).await),
        );
    }

    async fn what_is_not_there(&mut self) {
        self.path = self.path.replace("/work/", "/none/");
        self.see(
            "PROPFIND of no calendar",
            &whole(&self.propfind(&self.path, "0", "<getetag/>").await),
        );
        self.see("REPORT of no calendar", &whole(&self.report("0", &sync_body("", "")).await));
        self.put("PUT into no calendar", "a.ics", &event("a", "1"), &[]).await;
        self.delete("DELETE from no calendar", "a.ics", &[]).await;
    }

    fn see(&mut self, step: &str, what: &str) {
        self.seen.push(format!("{:3} {step}: {what}", self.seen.len()));
    }

    async fn put(&mut self, step: &str, name: &str, ics: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = self.client.put(&format!("{}{name}", self.path), ics, headers).await.unwrap();
        let etag = if answer.header("etag").is_empty() { "" } else { " with an ETag" };
        self.see(step, &format!("{}{etag}", refusal(&answer)));
        answer
    }

    async fn delete(&mut self, step: &str, name: &str, headers: &[(&str, &str)]) {
        let answer =
            self.client.send("DELETE", &format!("{}{name}", self.path), headers, "").await.unwrap();
        // Some answer 200 with a word, some 204 without.
        let status = if answer.status == 200 { 204 } else { answer.status };
        self.see(step, &status.to_string());
    }

    async fn propfind(&self, path: &str, depth: &str, properties: &str) -> Answer {
        let body = format!(
            r#"<propfind xmlns="DAV:" xmlns:c="{CALDAV}" xmlns:s="{CALENDAR_SERVER}"><prop>{properties}</prop></propfind>"#
        );
        self.client.xml("PROPFIND", path, depth, &body).await.unwrap()
    }

    async fn report(&self, depth: &str, body: &str) -> Answer {
        self.client.xml("REPORT", &self.path, depth, body).await.unwrap()
    }

    async fn sync(&self, token: &str, limit: &str) -> (String, String) {
        let answer = self.report("0", &sync_body(token, limit)).await;
        let next = answer
            .xml()
            .unwrap()
            .find(DAV, "sync-token")
            .map(|t| t.text.clone())
            .unwrap_or_default();
        (members(&answer), next)
    }
}

fn sync_body(token: &str, limit: &str) -> String {
    format!(
        r#"<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level>{limit}<prop><getetag/></prop></sync-collection>"#
    )
}

fn event(uid: &str, title: &str) -> String {
    crlf(&format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//T//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nSUMMARY:{title}\nEND:VEVENT\nEND:VCALENDAR\n"
    ))
}

fn href(response: &Node) -> String {
    response.find(DAV, "href").unwrap().text.clone()
}

fn find<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    if node.name == name {
        Some(node)
    } else {
        node.children.iter().find_map(|child| find(child, name))
    }
}

/// The href inside a property.
fn inner(answer: &Answer, ns: &str, name: &str) -> String {
    let root = answer.xml().unwrap();
    let property = find(&root, name).filter(|p| p.ns == ns).unwrap();
    property.find(DAV, "href").unwrap().text.clone()
}

fn inner_text(answer: &Answer, name: &str) -> String {
    find(&answer.xml().unwrap(), name).map(|p| p.text.clone()).unwrap_or_default()
}

/// Last segments of the hrefs, each with its status if it has one of its own; sorted.
fn members(answer: &Answer) -> String {
    let root = answer.xml().unwrap();
    let mut members: Vec<String> = root
        .all(DAV, "response")
        .map(|response| {
            let href = href(response);
            let name = href.trim_end_matches('/').rsplit('/').next().unwrap();
            let slash = if href.ends_with('/') { "/" } else { "" };
            let status = response
                .find(DAV, "status")
                .and_then(|s| s.text.split(' ').nth(1).map(|code| format!(" {code}")));
            format!("{name}{slash}{}", status.unwrap_or_default())
        })
        .collect();
    members.sort();
    format!("{} [{}]", answer.status, members.join(", "))
}

fn propstats(answer: &Answer) -> String {
    let root = answer.xml().unwrap();
    let response = root.find(DAV, "response").unwrap();
    let mut found: Vec<String> = response
        .all(DAV, "propstat")
        .map(|p| {
            let names: Vec<&str> =
                p.find(DAV, "prop").unwrap().children.iter().map(|c| c.name.as_str()).collect();
            format!(
                "{} {}",
                p.find(DAV, "status").unwrap().text.split(' ').nth(1).unwrap(),
                names.join(" ")
            )
        })
        .collect();
    found.sort();
    found.join(", ")
}

/// The status, and the precondition where one is named that a client acts on.
fn refusal(answer: &Answer) -> String {
    let text = answer.text();
    let named = ["valid-sync-token", "no-uid-conflict"]
        .into_iter()
        .find(|name| answer.status >= 400 && text.contains(name));
    format!("{}{}", answer.status, named.map(|name| format!(" {name}")).unwrap_or_default())
}

/// The status of the whole answer; one 404 inside a multistatus of one is as much.
fn whole(answer: &Answer) -> String {
    match answer.xml() {
        Ok(root)
            if root.all(DAV, "response").count() == 1
                && root.children[0].find(DAV, "status").is_some_and(|s| s.text.contains("404")) =>
        {
            "404".to_owned()
        }
        _ => answer.status.to_string(),
    }
}
