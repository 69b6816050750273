//! The product's functions and types for accounts, pairs and watches, in one place.

pub use jobs::channels::{
    Heard as NotificationOutcome, Notice, hear_google as receive_notification,
    renew as renew_watches, states as watch_states,
};
pub use jobs::consent::{ConsentRequest, Granted, adopt as adopt_consent};
pub use jobs::directory::{
    Account, AccountStatus, NewPair, Snapshot, account, accounts, add_pair, calendar_lease,
    calendars, connect_account, pair, pair_lease, pairs, pause_pair, remove_account, remove_pair,
    resume_pair,
};
