//! What strangers, slow servers and odd neighbours do to the service: it goes on with its work.

mod audit;
mod clients;
mod keys;
mod proxies;
mod real_proxies;
mod rows;
mod settings;
mod slow_servers;
