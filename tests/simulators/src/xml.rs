//! WebDAV's XML as a small tree: read with namespaces resolved, written with the prefixes that
//! different servers use.

use std::fmt::Write as _;

use quick_xml::escape::{escape, partial_escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

/// `DAV:` (RFC 4918).
pub const DAV: &str = "DAV:";
/// CalDAV (RFC 4791).
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Calendar Server's extensions (`getctag`).
pub const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";
/// Apple's calendar properties (`calendar-color`).
pub const APPLE: &str = "http://apple.com/ns/ical/";

const DEEPEST: usize = 32;

/// The form of a server's namespaces. A reader that resolves them gets equal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `d:`, `c:`, declared at the root.
    Prefixed,
    /// `ns0:`, `ns1:`, declared at the root.
    Numbered,
    /// A default namespace, declared again wherever it changes.
    Default,
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Namespace; empty where there is none.
    pub ns: String,
    /// Local name.
    pub name: String,
    /// Attributes without a namespace, and no namespace declarations.
    pub attributes: Vec<(String, String)>,
    /// Child elements.
    pub children: Vec<Node>,
    /// All character data directly inside.
    pub text: String,
}

impl Node {
    /// An empty element.
    pub fn new(ns: &str, name: &str) -> Self {
        Self { ns: ns.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    /// An empty element of `DAV:`.
    pub fn dav(name: &str) -> Self {
        Self::new(DAV, name)
    }

    /// The element with this text inside.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The element with one more child.
    pub fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// The element with more children.
    pub fn children(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    /// The element with an attribute.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether it is this element.
    pub fn is(&self, ns: &str, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    /// The first child of this name.
    pub fn find(&self, ns: &str, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    /// All children of this name.
    pub fn all<'a>(&'a self, ns: &'a str, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.is(ns, name))
    }

    /// The value of an attribute.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Where it is not well-formed, has a document type, or lies deeper than any WebDAV body.
    pub fn read(xml: &str) -> Result<Self, String> {
        let mut reader = NsReader::from_str(xml);
        let mut open: Vec<Node> = Vec::new();
        let mut root = None;
        loop {
            let (resolved, event) = reader.read_resolved_event().map_err(|e| e.to_string())?;
            let ns = match resolved {
                ResolveResult::Bound(ns) => ns.0.to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(prefix) => {
                    return Err(format!("the prefix {prefix} is not declared"));
                }
            };
            let closed = match event {
                Event::Start(start) => {
                    if open.len() >= DEEPEST {
                        return Err("the elements lie too deep".into());
                    }
                    open.push(begin(ns, &start)?);
                    None
                }
                Event::Empty(start) => Some(begin(ns, &start)?),
                Event::End(_) => open.pop(),
                Event::Text(text) => {
                    if let Some(top) = open.last_mut() {
                        top.text.push_str(&text.xml10_content());
                    }
                    None
                }
                Event::CData(data) => {
                    if let Some(top) = open.last_mut() {
                        top.text.push_str(&data.xml10_content());
                    }
                    None
                }
                Event::GeneralRef(reference) => {
                    let Some(top) = open.last_mut() else {
                        return Err("a reference outside the root".into());
                    };
                    match reference.resolve_char_ref().map_err(|e| e.to_string())? {
                        Some(character) => top.text.push(character),
                        None => top.text.push_str(
                            resolve_predefined_entity(&reference.into_inner())
                                .ok_or("an unknown entity")?,
                        ),
                    }
                    None
                }
                Event::DocType(_) => return Err("a document type has no place here".into()),
                Event::Eof => break,
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => None,
            };
            if let Some(node) = closed {
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None if root.is_none() => root = Some(node),
                    None => return Err("two roots".into()),
                }
            }
        }
        if !open.is_empty() {
            return Err("an element is not closed".into());
        }
        root.ok_or_else(|| "no element".into())
    }

    /// Writes it as a document.
    pub fn write(&self, naming: Naming) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        self.write_to(&mut out, naming, None);
        out
    }

    fn write_to(&self, out: &mut String, naming: Naming, parent: Option<&str>) {
        let tag = match naming {
            Naming::Default => self.name.clone(),
            Naming::Prefixed | Naming::Numbered => {
                format!("{}:{}", prefix(naming, &self.ns), self.name)
            }
        };
        // Writing to a String cannot fail.
        let _ = write!(out, "<{tag}");
        match naming {
            Naming::Default if parent != Some(&self.ns) => {
                let _ = write!(out, " xmlns=\"{}\"", escape(&self.ns));
            }
            Naming::Prefixed | Naming::Numbered if parent.is_none() => {
                for ns in [DAV, CALDAV, CALENDAR_SERVER, APPLE] {
                    let _ = write!(out, " xmlns:{}=\"{ns}\"", prefix(naming, ns));
                }
            }
            _ => {}
        }
        if prefix(naming, &self.ns) == "x" && naming != Naming::Default {
            let _ = write!(out, " xmlns:x=\"{}\"", escape(&self.ns));
        }
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        // A literal CR would be read as LF (XML 1.0, section 2.11).
        out.push_str(&partial_escape(&self.text).replace('\r', "&#13;"));
        for child in &self.children {
            child.write_to(out, naming, Some(&self.ns));
        }
        let _ = write!(out, "</{tag}>");
    }
}

fn prefix(naming: Naming, ns: &str) -> &'static str {
    let known = [
        (DAV, "d", "ns0"),
        (CALDAV, "c", "ns1"),
        (CALENDAR_SERVER, "cs", "ns2"),
        (APPLE, "a", "ns3"),
    ];
    match known.iter().find(|(known, _, _)| *known == ns) {
        Some((_, prefixed, _)) if naming == Naming::Prefixed => prefixed,
        Some((_, _, numbered)) => numbered,
        None => "x",
    }
}

fn begin(ns: String, start: &BytesStart<'_>) -> Result<Node, String> {
    let mut node = Node { ns, name: start.local_name().as_ref().to_owned(), ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let key = attribute.key.as_ref();
        if key != "xmlns" && !key.starts_with("xmlns:") {
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
            node.attributes.push((key.to_owned(), value.into_owned()));
        }
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_namings_mean_the_same() {
        let node = Node::dav("multistatus")
            .child(Node::dav("href").text("/a%20b/<&>"))
            .child(Node::new(CALDAV, "calendar-data").text("BEGIN:VCALENDAR"))
            .child(Node::new("urn:other", "thing").attribute("name", "a\"b"));
        for naming in [Naming::Prefixed, Naming::Numbered, Naming::Default] {
            let written = node.write(naming);
            assert_eq!(Node::read(&written).as_ref(), Ok(&node), "{written}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for bad in [
            "",
            "<a>",
            "<a></b>",
            "<x:a/>",
            "<a/><b/>",
            "<!DOCTYPE a><a/>",
            "<a>&b;</a>",
            &"<a>".repeat(100),
        ] {
            assert!(Node::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn characters_come_back_as_they_were() {
        let read = Node::read("<a>1&lt;2&#13;\n<![CDATA[<3]]></a>").unwrap();
        assert_eq!(read.text, "1<2\r\n<3");
    }
}
