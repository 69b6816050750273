//! PROPFIND, and what is known of each place (RFC 4918, RFC 4791, RFC 6578).

use super::asking::Asking;
use super::paths::{Paths, Place};
use super::reply::Reply;
use super::state::{Collection, Records, Resource};
use crate::xml::{APPLE, CALDAV, CALENDAR_SERVER, DAV, Node};

pub(super) fn propfind(asking: &Asking<'_>, records: &Records, place: &Place) -> Reply {
    let depth = match asking.depth("0") {
        Ok(depth) if depth == "infinity" => {
            return Reply::precondition(403, DAV, "propfind-finite-depth", asking.manners);
        }
        Ok(depth) => depth,
        Err(reply) => return reply,
    };
    let wanted = if asking.body.is_empty() {
        usual()
    } else {
        match asking.xml() {
            Ok(root) if !root.is(DAV, "propfind") => {
                return Reply::words(400, "the body is no propfind");
            }
            Ok(root) => root.find(DAV, "prop").map_or_else(usual, |prop| prop.children.clone()),
            Err(reply) => return reply,
        }
    };
    let view = View { asking, records };
    let Some(places) = view.places(place, depth == "1") else { return Reply::status(404) };
    let mut answer = Node::dav("multistatus");
    answer.children.extend(places.iter().map(|place| view.response(place, &wanted)));
    if depth == "1"
        && asking.manners.other_collections
        && let Place::Home(user) = place
    {
        answer.children.extend(view.other_collections(user, &wanted));
    }
    Reply::xml(207, &answer, asking.manners)
}

/// What an empty body asks for.
fn usual() -> Vec<Node> {
    vec![
        Node::dav("resourcetype"),
        Node::dav("displayname"),
        Node::dav("getetag"),
        Node::dav("getcontenttype"),
    ]
}

/// The records as one asker sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub asking: &'a Asking<'a>,
    pub records: &'a Records,
}

impl View<'_> {
    pub fn paths(&self) -> Paths<'_> {
        self.asking.paths(self.records)
    }

    /// The place itself, and with `inside` what lies directly in it. `None` where there is no such
    /// place.
    fn places(&self, place: &Place, inside: bool) -> Option<Vec<Place>> {
        let mut places = vec![place.clone()];
        match place {
            Place::Root | Place::Principal(_) => {}
            Place::Home(user) => {
                let names = self.records.names_in(user)?.into_iter().filter(|_| inside);
                places.extend(names.map(|name| Place::Calendar(user.clone(), name)));
            }
            Place::Calendar(user, calendar) => {
                let members = self.records.visible(user, calendar)?.listed().filter(|_| inside);
                places.extend(
                    members.map(|(name, _)| {
                        Place::Object(user.clone(), calendar.clone(), name.clone())
                    }),
                );
            }
            Place::Object(user, calendar, name) => {
                self.records.visible(user, calendar)?.shown(name)?;
            }
            Place::WellKnown | Place::Nowhere => return None,
        }
        Some(places)
    }

    /// One entry of a multistatus: what is known with 200, the rest with 404.
    pub fn response(&self, place: &Place, wanted: &[Node]) -> Node {
        let (mut known, mut unknown) = (Node::dav("prop"), Node::dav("prop"));
        for want in wanted {
            match self.property(place, want) {
                Some(property) => known.children.push(property),
                None => unknown.children.push(Node::new(&want.ns, &want.name)),
            }
        }
        response(&self.href(place), known, unknown)
    }

    pub fn href(&self, place: &Place) -> String {
        let paths = self.paths();
        let path = match place {
            Place::Root | Place::WellKnown | Place::Nowhere => "/".to_owned(),
            Place::Principal(user) => paths.principal(user),
            Place::Home(user) => paths.home(user),
            Place::Calendar(user, calendar) => paths.calendar(user, calendar),
            Place::Object(user, calendar, name) => paths.object(user, calendar, name),
        };
        if self.asking.manners.absolute_hrefs {
            self.absolute(&path, self.asking.header("host"))
        } else {
            path
        }
    }

    fn absolute(&self, path: &str, host: Option<&str>) -> String {
        format!("http://{}{path}", host.unwrap_or("127.0.0.1"))
    }

    fn property(&self, place: &Place, want: &Node) -> Option<Node> {
        let node = Node::new(&want.ns, &want.name);
        let href = |path: String| Node::dav("href").text(path);
        if want.is(DAV, "current-user-principal") {
            return Some(node.child(href(self.paths().principal(&self.asking.user))));
        }
        match place {
            Place::Root => {
                want.is(DAV, "resourcetype").then(|| node.child(Node::dav("collection")))
            }
            Place::Principal(user) => self.of_principal(user, want, false),
            Place::Home(user) if self.asking.manners.home == self.asking.manners.principal => {
                self.of_principal(user, want, true)
            }
            Place::Home(user) => match (want.ns.as_str(), want.name.as_str()) {
                (DAV, "resourcetype") => Some(node.child(Node::dav("collection"))),
                (DAV, "owner") => Some(node.child(href(self.paths().principal(user)))),
                (DAV, "current-user-privilege-set") => {
                    Some(node.children(privileges(&["read", "bind", "unbind"])))
                }
                _ => None,
            },
            Place::Calendar(user, calendar) => {
                self.of_calendar((user, calendar), self.records.visible(user, calendar)?, want)
            }
            Place::Object(user, calendar, name) => of_object(
                self.records.visible(user, calendar)?.shown(name)?,
                want,
                self.asking.manners,
            ),
            Place::WellKnown | Place::Nowhere => None,
        }
    }

    fn of_principal(&self, user: &str, want: &Node, is_home: bool) -> Option<Node> {
        let node = Node::new(&want.ns, &want.name);
        let href = |path: String| Node::dav("href").text(path);
        match (want.ns.as_str(), want.name.as_str()) {
            (CALDAV, "calendar-home-set") => {
                let home = self.paths().home(user);
                let partition = self
                    .asking
                    .partition
                    .filter(|_| self.asking.manners.partition)
                    .map(|a| a.to_string());
                Some(
                    node.child(href(
                        partition
                            .map_or_else(|| home.clone(), |host| self.absolute(&home, Some(&host))),
                    )),
                )
            }
            (CALDAV, "calendar-user-address-set") => {
                let addresses = &self.records.accounts.get(user)?.addresses;
                Some(node.children(addresses.iter().map(|a| {
                    Node::dav("href").attribute("preferred", "1").text(format!("mailto:{a}"))
                })))
            }
            (DAV, "displayname") => Some(node.text(user)),
            (DAV, "principal-URL" | "owner") => {
                Some(node.child(href(self.paths().principal(user))))
            }
            (DAV, "resourcetype") => Some(
                node.child(Node::dav("principal"))
                    .children(is_home.then(|| Node::dav("collection"))),
            ),
            _ => None,
        }
    }

    fn of_calendar(
        &self,
        (user, name): (&str, &str),
        calendar: &Collection,
        want: &Node,
    ) -> Option<Node> {
        let node = Node::new(&want.ns, &want.name);
        let manners = self.asking.manners;
        let (owner, own_name) = self.records.owner_of(user, name);
        let is_share = manners.shared_url && self.records.share_of(user, name).is_some();
        match (want.ns.as_str(), want.name.as_str()) {
            (DAV, "resourcetype") => {
                let shared = is_share.then(|| Node::new(CALENDAR_SERVER, "shared"));
                Some(
                    node.child(Node::dav("collection"))
                        .child(Node::new(CALDAV, "calendar"))
                        .children(shared),
                )
            }
            (CALENDAR_SERVER, "shared-url") if is_share => {
                Some(node.child(Node::dav("href").text(self.paths().calendar(owner, own_name))))
            }
            (DAV, "displayname") => Some(node.text(&calendar.title)),
            (DAV, "sync-token") if manners.sync => Some(node.text(calendar.token())),
            (CALENDAR_SERVER, "getctag") if manners.ctag => Some(node.text(calendar.ctag())),
            (CALDAV, "supported-calendar-component-set") => {
                Some(node.child(Node::new(CALDAV, "comp").attribute("name", "VEVENT")))
            }
            (DAV, "current-user-privilege-set") => {
                let all: &[&str] = if self.records.writable(user, name) {
                    &["read", "write", "write-content", "bind", "unbind"]
                } else {
                    &["read"]
                };
                Some(node.children(privileges(all)))
            }
            (DAV, "supported-report-set") => {
                let sync = manners.sync.then(|| Node::dav("sync-collection"));
                let reports =
                    [Node::new(CALDAV, "calendar-query"), Node::new(CALDAV, "calendar-multiget")]
                        .into_iter()
                        .chain(sync);
                Some(
                    node.children(reports.map(|r| {
                        Node::dav("supported-report").child(Node::dav("report").child(r))
                    })),
                )
            }
            (DAV, "owner") => {
                Some(node.child(Node::dav("href").text(self.paths().principal(owner))))
            }
            (APPLE, "calendar-color") => calendar.color.as_ref().map(|color| node.text(color)),
            (CALDAV, "calendar-timezone") => {
                calendar.timezone.as_ref().map(|timezone| node.text(timezone))
            }
            (CALDAV, "max-resource-size") => Some(node.text(manners.largest.to_string())),
            _ => None,
        }
    }

    /// An inbox, an outbox and reminders: collections in a home that hold no events.
    fn other_collections(&self, user: &str, wanted: &[Node]) -> Vec<Node> {
        let others = [
            ("inbox", Node::new(CALDAV, "schedule-inbox")),
            ("outbox", Node::new(CALDAV, "schedule-outbox")),
            ("reminders", Node::new(CALDAV, "calendar")),
        ];
        let one = |(name, kind): (&str, Node)| {
            let (mut known, mut unknown) = (Node::dav("prop"), Node::dav("prop"));
            for want in wanted {
                let node = Node::new(&want.ns, &want.name);
                match (want.ns.as_str(), want.name.as_str()) {
                    (DAV, "resourcetype") => {
                        known.children.push(node.child(Node::dav("collection")).child(kind.clone()))
                    }
                    (DAV, "displayname") => known.children.push(node.text(name)),
                    (CALDAV, "supported-calendar-component-set") => {
                        known
                            .children
                            .push(node.child(Node::new(CALDAV, "comp").attribute("name", "VTODO")));
                    }
                    (DAV, "current-user-privilege-set") => {
                        known.children.push(node.children(privileges(&["read", "write"])))
                    }
                    _ => unknown.children.push(node),
                }
            }
            response(&self.paths().calendar(user, name), known, unknown)
        };
        others.map(one).into()
    }
}

/// What is known of an object; `calendar-data` as a REPORT gives it.
fn of_object(resource: &Resource, want: &Node, manners: &super::Manners) -> Option<Node> {
    let node = Node::new(&want.ns, &want.name);
    match (want.ns.as_str(), want.name.as_str()) {
        (DAV, "getetag") => Some(node.text(manners.etags.in_listing(&resource.etag))),
        (DAV, "getcontenttype") => {
            Some(node.text("text/calendar; charset=utf-8; component=vevent"))
        }
        (DAV, "getcontentlength") => Some(node.text(resource.body.len().to_string())),
        (DAV, "resourcetype") => Some(node),
        (CALDAV, "calendar-data") => Some(match manners.rewrite {
            super::Rewrite::Kept | super::Rewrite::Plain | super::Rewrite::Anew => {
                node.text(&*resource.body)
            }
            super::Rewrite::Reordered => node.text(resource.body.replace("\r\n", "\n")),
        }),
        _ => None,
    }
}

fn privileges(names: &[&str]) -> Vec<Node> {
    names.iter().map(|name| Node::dav("privilege").child(Node::dav(name))).collect()
}

/// An entry of a multistatus: properties with 200, and those with 404.
pub(super) fn response(href: &str, known: Node, unknown: Node) -> Node {
    let propstat = |prop: Node, status: &str| {
        Node::dav("propstat").child(prop).child(Node::dav("status").text(status))
    };
    let mut response = Node::dav("response").child(Node::dav("href").text(href));
    if !known.children.is_empty() || unknown.children.is_empty() {
        response.children.push(propstat(known, "HTTP/1.1 200 OK"));
    }
    if !unknown.children.is_empty() {
        response.children.push(propstat(unknown, "HTTP/1.1 404 Not Found"));
    }
    response
}

/// An entry of a multistatus with a status of its own.
pub(super) fn bare_response(href: &str, status: &str) -> Node {
    Node::dav("response")
        .child(Node::dav("href").text(href))
        .child(Node::dav("status").text(status))
}
