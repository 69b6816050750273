//! Against a Graph that answers what was prepared.
