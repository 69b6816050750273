//! An object as a tree of components that loses nothing.
//!
//! Properties kept: an object that is parsed and serialised is equal, byte for byte, even if it is
//! malformed; an edit changes the lines it names and no others; depth is bounded, so that nothing
//! here can exhaust the stack.
//!
//! A component whose END is missing, or has another name, ends where the one around it ends, and is
//! marked ([`Component::is_closed`]): the reader decides whether to accept it. An END without a
//! BEGIN is kept as a line.

use crate::error::Unreadable;
use crate::lines::{self, ContentLine, LineEnd};
use crate::property::Property;

/// The deepest nesting that is read; RFC 5545 needs three.
const MAX_DEPTH: usize = 8;

/// An item of an object or a component.
#[derive(Clone)]
pub(crate) enum Node {
    /// A property, a blank line, or something that is neither.
    Line(ContentLine),
    /// A component.
    Component(Component),
}

/// A component with everything in it.
#[derive(Clone)]
pub(crate) struct Component {
    name: String,
    begin: ContentLine,
    items: Vec<Node>,
    end: Option<ContentLine>,
}

/// An object, well-formed or not.
pub(crate) struct Object {
    bom: bool,
    items: Vec<Node>,
    line_end: LineEnd,
}

impl Object {
    /// Parses an object. Only the limits of `lines.rs` and the depth can fail.
    pub(crate) fn parse(object: &[u8]) -> Result<Self, Unreadable> {
        let lines = lines::split(object)?;
        let line_end = match lines.first() {
            Some(line) if line.raw().ends_with(b"\n") && !line.raw().ends_with(b"\r\n") => {
                LineEnd::Lf
            }
            _ => LineEnd::CrLf,
        };
        let mut items = Vec::new();
        let mut open: Vec<Component> = Vec::new();
        for line in lines {
            match marker(&line) {
                Some((true, name)) => {
                    if open.len() == MAX_DEPTH {
                        return Err(Unreadable(
                            "its components are nested more than eight deep".into(),
                        ));
                    }
                    open.push(Component { name, begin: line, items: Vec::new(), end: None });
                }
                Some((false, name)) => {
                    match open.iter().rposition(|component| component.name == name) {
                        Some(at) => {
                            while open.len() > at + 1 {
                                close(&mut open, &mut items, None);
                            }
                            close(&mut open, &mut items, Some(line));
                        }
                        None => innermost(&mut open, &mut items).push(Node::Line(line)),
                    }
                }
                None => innermost(&mut open, &mut items).push(Node::Line(line)),
            }
        }
        while !open.is_empty() {
            close(&mut open, &mut items, None);
        }
        Ok(Self { bom: object.starts_with(lines::BOM), items, line_end })
    }

    /// The object as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.bom {
            out.extend_from_slice(lines::BOM);
        }
        for item in &self.items {
            item.write(self.line_end, &mut out);
        }
        out
    }

    /// How this object ends its lines.
    pub(crate) fn line_end(&self) -> LineEnd {
        self.line_end
    }

    /// The outermost components.
    pub(crate) fn components(&self) -> impl Iterator<Item = &Component> {
        components(&self.items)
    }

    /// The outermost component of that name, to be changed.
    pub(crate) fn component_mut(&mut self, name: &str) -> Option<&mut Component> {
        self.items.iter_mut().find_map(|item| match item {
            Node::Component(component) if component.name == name => Some(component),
            _ => None,
        })
    }
}

impl Node {
    fn write(&self, end: LineEnd, out: &mut Vec<u8>) {
        match self {
            Self::Line(line) => write_line(line, end, out),
            Self::Component(component) => component.write(end, out),
        }
    }
}

impl Component {
    /// A component of ours.
    pub(crate) fn new(name: &str, end: LineEnd) -> Self {
        Self {
            name: name.to_owned(),
            begin: ContentLine::new(format!("BEGIN:{name}"), end),
            items: Vec::new(),
            end: Some(ContentLine::new(format!("END:{name}"), end)),
        }
    }

    /// Its name in capitals.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its END is in its place, in it and in everything inside it.
    pub(crate) fn is_closed(&self) -> bool {
        self.end.is_some() && components(&self.items).all(Component::is_closed)
    }

    /// Its parts in their order.
    pub(crate) fn items(&self) -> &[Node] {
        &self.items
    }

    /// Its parts, to be changed.
    pub(crate) fn items_mut(&mut self) -> &mut Vec<Node> {
        &mut self.items
    }

    /// The components right inside it.
    pub(crate) fn components(&self) -> impl Iterator<Item = &Component> {
        components(&self.items)
    }

    /// Its lines, without those of the components inside it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &ContentLine> {
        self.items.iter().filter_map(|item| match item {
            Node::Line(line) => Some(line),
            Node::Component(_) => None,
        })
    }

    /// The properties of that name.
    pub(crate) fn properties<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Property<'a>> {
        self.lines()
            .filter(move |line| line.is(name))
            .filter_map(|line| Property::parse(line.text()))
    }

    /// The property of that name; the first, where a property that may occur once occurs twice.
    pub(crate) fn property<'a>(&'a self, name: &'a str) -> Option<Property<'a>> {
        self.properties(name).next()
    }

    /// Puts a line in the place of the first property of its name and drops the others of that
    /// name; adds it where there is none.
    pub(crate) fn set(&mut self, line: ContentLine) {
        let mut line = Some(line);
        let name = line.as_ref().map(|line| line.name().to_owned()).unwrap_or_default();
        self.items.retain_mut(|item| match item {
            Node::Line(old) if old.is(&name) => match line.take() {
                Some(new) => {
                    *old = new;
                    true
                }
                None => false,
            },
            _ => true,
        });
        if let Some(line) = line {
            self.add(line);
        }
    }

    /// Adds a line after the other properties, before the first component inside.
    pub(crate) fn add(&mut self, line: ContentLine) {
        self.add_all([line]);
    }

    /// Adds lines after the other properties, before the first component inside.
    pub(crate) fn add_all(&mut self, lines: impl IntoIterator<Item = ContentLine>) {
        let lines = lines.into_iter().map(Node::Line);
        match self.items.last() {
            Some(Node::Component(_)) => {
                let at = self
                    .items
                    .iter()
                    .position(|item| matches!(item, Node::Component(_)))
                    .unwrap_or(0);
                self.items.splice(at..at, lines);
            }
            _ => self.items.extend(lines),
        }
    }

    /// Adds a component after everything else.
    pub(crate) fn add_component(&mut self, component: Component) {
        self.items.push(Node::Component(component));
    }

    /// Removes all properties of that name; says whether there was one.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.items.len();
        self.items.retain(|item| !matches!(item, Node::Line(line) if line.is(name)));
        self.items.len() != before
    }

    /// Appends it as bytes.
    pub(crate) fn write(&self, end: LineEnd, out: &mut Vec<u8>) {
        write_line(&self.begin, end, out);
        for item in &self.items {
            item.write(end, out);
        }
        if let Some(line) = &self.end {
            write_line(line, end, out);
        }
    }
}

/// Appends a line. Only the last line of an object may lack its line end; when another line
/// follows, it gets one.
fn write_line(line: &ContentLine, end: LineEnd, out: &mut Vec<u8>) {
    if !out.is_empty() && out != lines::BOM && !out.ends_with(b"\n") {
        lines::fold("", end, out);
    }
    out.extend_from_slice(line.raw());
}

fn components(items: &[Node]) -> impl Iterator<Item = &Component> {
    items.iter().filter_map(|item| match item {
        Node::Component(component) => Some(component),
        Node::Line(_) => None,
    })
}

/// Whether a line begins (`true`) or ends a component, and which.
fn marker(line: &ContentLine) -> Option<(bool, String)> {
    let begins = line.is("BEGIN");
    if !begins && !line.is("END") {
        return None;
    }
    let property = Property::parse(line.text())?;
    Some((begins, property.value.trim().to_ascii_uppercase()))
}

fn innermost<'a>(open: &'a mut [Component], items: &'a mut Vec<Node>) -> &'a mut Vec<Node> {
    match open.last_mut() {
        Some(component) => &mut component.items,
        None => items,
    }
}

fn close(open: &mut Vec<Component>, items: &mut Vec<Node>, end: Option<ContentLine>) {
    if let Some(mut component) = open.pop() {
        component.end = end;
        innermost(open, items).push(Node::Component(component));
    }
}

#[cfg(test)]
mod tests;
