//! REPORT sync-collection (RFC 6578), with the ways in which servers lose a token.

use super::asking::refused;
use super::manners::{Limit, LostToken};
use super::paths::Place;
use super::propfind::{View, bare_response, response};
use super::reply::Reply;
use super::state::Member;
use crate::xml::{DAV, Node};

pub(super) fn sync_collection(
    view: &View<'_>,
    user: &str,
    name: &str,
    root: &Node,
    wanted: &[Node],
) -> Result<Node, Reply> {
    let asking = view.asking;
    let manners = asking.manners;
    // RFC 6578, section 3.2: the scope is in sync-level.
    if asking.depth("0")? != "0" && manners.strict {
        return Err(Reply::words(400, "sync-collection has Depth 0"));
    }
    let level = root.find(DAV, "sync-level").map(|level| level.text.trim());
    if manners.strict && level != Some("1") {
        return Err(Reply::words(400, "sync-level is not 1"));
    }
    let Some(calendar) = view.records.visible(user, name) else { return Err(Reply::status(404)) };
    let token = root.find(DAV, "sync-token").map(|token| token.text.trim()).unwrap_or_default();
    let newest = calendar.token();
    let members: Vec<Member> = match (token.is_empty(), calendar.known_token(token)) {
        (true, _) => {
            calendar.since(0).filter(|m| m.etag.is_some() || manners.first_tells_gone).collect()
        }
        (false, Some(revision)) => calendar
            .since(revision)
            .filter(|m| m.etag.is_some() || m.made <= revision || manners.tells_unseen_gone)
            .collect(),
        (false, None) => match manners.lost_token {
            LostToken::Refused(status) => return Err(refused(asking, status, "valid-sync-token")),
            LostToken::RefusedBare(status) => return Err(Reply::status(status)),
            LostToken::Everything => calendar.since(0).filter(|m| m.etag.is_some()).collect(),
            LostToken::Nothing => Vec::new(),
        },
    };

    let asked = root
        .find(DAV, "limit")
        .and_then(|limit| limit.find(DAV, "nresults"))
        .and_then(|n| n.text.trim().parse::<usize>().ok());
    let limit = asked
        .filter(|_| manners.limit != Limit::Ignored)
        .into_iter()
        .chain(manners.page)
        .min()
        .unwrap_or(usize::MAX);
    let cut = members.len() > limit;
    let honest = manners.limit != Limit::LosesTheRest || manners.page.is_some();
    let shown = &members[..members.len().min(limit)];

    let itself = Place::Calendar(user.into(), name.into());
    let mut answer = Node::dav("multistatus");
    if manners.lists_itself {
        answer.children.push(view.response(&itself, wanted));
    }
    for member in shown {
        let place = Place::Object(user.into(), name.into(), member.name.clone());
        let is_buried =
            !token.is_empty() && manners.buries.is_some_and(|part| member.name.contains(part));
        if manners.lists_twice && member.etag.is_some() {
            let past = Node::dav("prop").child(Node::dav("getetag").text("\"of-the-past\""));
            answer.children.push(response(&view.href(&place), past, Node::dav("prop")));
        }
        answer.children.push(match member.etag {
            Some(_) if !is_buried => view.response(&place, wanted),
            _ => bare_response(&view.href(&place), "HTTP/1.1 404 Not Found"),
        });
    }
    let reached = match shown.last() {
        Some(last) if cut && honest => {
            let why = Node::dav("error").child(Node::dav("number-of-matches-within-limits"));
            answer.children.push(
                bare_response(&view.href(&itself), "HTTP/1.1 507 Insufficient Storage").child(why),
            );
            calendar.token_at(last.revision)
        }
        _ => newest,
    };
    Ok(answer.child(Node::dav("sync-token").text(reached)))
}
