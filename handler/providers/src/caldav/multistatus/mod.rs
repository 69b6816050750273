//! A multistatus answer (RFC 4918 section 13), read entry by entry as it arrives.
//!
//! # Properties
//! * Memory does not grow with the number of entries: each is handed to a visitor and forgotten.
//! * An answer that was cut off never looks like a complete one: without the closing tag it is an
//!   error.
//! * Names count by namespace and local name, properties only from a propstat with a 2xx status.
//! * Depth, attributes, text, entries and the whole body have limits; a document type is refused,
//!   so nothing is ever expanded. A calendar object that is too large costs only its own entry
//!   ([`Data::TooLarge`]).
//! * No error quotes the answer.

mod entry;
mod limits;
mod text_limiter;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

pub(crate) use entry::{Data, Entry, Props};
pub(super) use limits::DAV;
pub(crate) use limits::MAX_OBJECT;

use super::attachments::Sieved;
use crate::{Error, Result};
use entry::{Building, PropertyTag};
use limits::{DRAIN, MAX_ATTRIBUTES, MAX_DEPTH, MAX_ENTRIES, MAX_TEXT, bad};
use text_limiter::TextLimiter;

/// The rest of the answer beside its entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The new sync token of a sync-collection report (RFC 6578 section 6.4).
    pub sync_token: Option<String>,
    /// How many entries there were.
    pub entries: usize,
}

/// Reads an answer and shows each entry to `visit`.
///
/// # Errors
/// [`Error::BadAnswer`] where it is no complete multistatus document, [`Error::Unreachable`] where
/// the connection broke, and the errors of the visitor.
pub(crate) async fn read<R, V>(body: R, mut visit: V) -> Result<Tail>
where
    R: AsyncBufRead + Send + Unpin,
    V: FnMut(Entry) -> Result<()> + Send,
{
    let mut reader = NsReader::from_reader(TextLimiter::new(Sieved::new(body)));
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut state = ParserState::default();
    loop {
        buffer.clear();
        reader.get_mut().begin();
        let event = match reader.read_event_into_async(&mut buffer).await {
            Ok(event) => event,
            Err(error) => return Err(broken(&error)),
        };
        match event {
            Event::Start(start) => {
                let (namespace, local) = reader.resolver().resolve_element(start.name());
                let namespace = match namespace {
                    ResolveResult::Bound(namespace) => namespace.into_inner(),
                    ResolveResult::Unbound => "",
                    ResolveResult::Unknown(_) => {
                        return Err(bad("a namespace prefix is not declared"));
                    }
                };
                state.start(namespace, local.into_inner(), &start)?;
            }
            Event::End(_) => {
                if let Some(building) = state.end()? {
                    for entry in building.finish() {
                        state.tail.entries += 1;
                        if state.tail.entries > MAX_ENTRIES {
                            return Err(bad("it has more entries than any calendar"));
                        }
                        visit(entry)?;
                    }
                }
                if state.stack.is_empty() {
                    drain(reader.get_mut()).await;
                    return Ok(state.tail);
                }
            }
            Event::Text(text) => state.text(&text.xml10_content())?,
            Event::CData(text) => state.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => state.reference(&reference)?,
            Event::DocType(_) => return Err(bad("it has a document type")),
            Event::Eof if state.stack.is_empty() => return Err(bad("it is empty")),
            Event::Eof => return Err(bad("it was cut off")),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Empty(_) => {}
        }
    }
}

/// Reads what follows the document, so that the connection can be used again: at most 16 buffers,
/// within [`DRAIN`].
async fn drain(body: &mut (impl AsyncBufRead + Unpin)) {
    let rest = async {
        for _ in 0..16 {
            match body.fill_buf().await {
                Ok(rest) if !rest.is_empty() => {
                    let length = rest.len();
                    body.consume(length);
                }
                _ => return,
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN, rest).await;
}

#[derive(Default)]
struct ParserState {
    stack: Vec<PropertyTag>,
    building: Option<Building>,
    /// The text of the innermost element, where it is one whose text counts.
    text: Option<ElementText>,
    tail: Tail,
}

#[derive(Default)]
struct ElementText {
    value: String,
    too_large: bool,
}

impl ParserState {
    fn start(&mut self, namespace: &str, local: &str, start: &BytesStart<'_>) -> Result<()> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(bad("its elements are nested too deeply"));
        }
        let tag = PropertyTag::of(self.stack.last().copied(), namespace, local);
        if self.stack.is_empty() && tag != PropertyTag::Multistatus {
            return Err(bad("it is not a multistatus document"));
        }
        let mut component = None;
        for (count, attribute) in start.attributes().with_checks(false).enumerate() {
            if count >= MAX_ATTRIBUTES {
                return Err(bad("an element has too many attributes"));
            }
            let attribute = attribute.map_err(|_| bad("an attribute is malformed"))?;
            if tag == PropertyTag::Component && attribute.key.into_inner() == "name" {
                component = Some(attribute.value.eq_ignore_ascii_case("VEVENT"));
            }
        }
        match (&mut self.building, tag) {
            (building, PropertyTag::Response) => *building = Some(Building::default()),
            (Some(building), _) => {
                building.start(self.stack.last().copied(), tag, namespace, local, component)
            }
            (None, _) => {}
        }
        self.text = tag.has_text().then(ElementText::default);
        self.stack.push(tag);
        Ok(())
    }

    /// Closes the innermost element; gives the response if that was it.
    fn end(&mut self) -> Result<Option<Building>> {
        let tag = self.stack.pop().ok_or_else(|| bad("its tags do not match"))?;
        let text = self.text.take();
        match tag {
            PropertyTag::Response => return Ok(self.building.take()),
            PropertyTag::SyncTokenOfAll => {
                self.tail.sync_token =
                    text.map(|text| text.value.trim().to_owned()).filter(|token| !token.is_empty())
            }
            _ => {
                if let Some(building) = &mut self.building {
                    let (value, too_large) =
                        text.map(|text| (text.value, text.too_large)).unwrap_or_default();
                    building.end(tag, value, too_large)?;
                }
            }
        }
        Ok(None)
    }

    fn text(&mut self, piece: &str) -> Result<()> {
        let Some(text) = &mut self.text else { return Ok(()) };
        let object = self.stack.last() == Some(&PropertyTag::Data);
        if text.too_large
            || text.value.len() + piece.len() > if object { MAX_OBJECT } else { MAX_TEXT }
        {
            if !object {
                return Err(bad("a text in it is too long"));
            }
            text.too_large = true;
            text.value = String::new();
            return Ok(());
        }
        text.value.push_str(piece);
        Ok(())
    }

    fn reference(&mut self, reference: &quick_xml::events::BytesRef<'_>) -> Result<()> {
        if reference.is_char_ref() {
            let character = reference
                .resolve_char_ref()
                .ok()
                .flatten()
                .ok_or_else(|| bad("a character reference is not valid"))?;
            return self.text(character.encode_utf8(&mut [0; 4]));
        }
        let text = match &**reference {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "apos" => "'",
            "quot" => "\"",
            _ => return Err(bad("it uses an entity that is not declared")),
        };
        self.text(text)
    }
}

fn broken(error: &quick_xml::Error) -> Error {
    match error {
        quick_xml::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::FileTooLarge => bad("it is larger than any calendar"),
            std::io::ErrorKind::TimedOut => Error::Unreachable(
                "the server did not come to the end of its answer in time".into(),
            ),
            _ => Error::Unreachable("the connection broke off in the middle of an answer".into()),
        },
        quick_xml::Error::Syntax(_) => bad("it was cut off, or is not XML"),
        _ => bad("it is not well-formed XML"),
    }
}

#[cfg(test)]
mod tests;
