//! Every sentence of the pages, as functions with types. A file holds the words of some pages;
//! another language is another type with the same functions.

mod connect;
mod layout;
mod pair;
mod providers;
mod refusals;
mod settings;
mod start;

/// The words, in English.
#[derive(Clone, Copy)]
pub struct Words;
