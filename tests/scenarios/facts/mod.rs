//! What pages and the API show of a pair, by the command line: the events of a day, conflicts, and
//! how quick it is.

mod conflicts;
mod day;
mod quickness;
