//! The environments of the scenarios: in this process, by the command line, and under a host. One
//! builder makes them.

pub mod accounts;
pub mod builder;
pub mod cli;
pub mod cli_checks;
pub mod cli_env;
pub mod clock;
pub mod compare;
pub mod connector;
pub mod env;
pub mod env_checks;
pub mod events;
pub mod google;
pub mod google_env;
pub mod hosted_env;
pub mod installation;
pub mod interrupt;
pub mod mailbox_env;
pub mod microsoft;
pub mod notified;
pub mod pending_command;
pub mod pictures;
pub mod product;
pub mod push_cli_env;
pub mod push_env;
pub mod rows;
pub mod running;
pub mod servers;
pub mod storage;
