//! What it costs at Google: a first sync of thousands of events stays below every quota and goes on
//! in turns, changes cost what they must and no more, and processes that share an account come to
//! terms.

mod changes;
mod first_sync;
mod host;
mod long_sync;
mod quota_env;
