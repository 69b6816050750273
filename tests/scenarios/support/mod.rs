//! The environments of the scenarios: in this process, by the command line, and under a host.

pub mod cli;
pub mod cli_env;
pub mod connector;
pub mod env;
pub mod events;
pub mod google;
pub mod hosted_env;
pub mod real_cli_env;
pub mod rows;
pub mod storage;
