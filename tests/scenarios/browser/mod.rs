//! Consent at Google and the pages as a person sees them: in a real browser, over http on the
//! machine itself and over https behind both hosts (G1, G2, S1).

mod appearance;
mod browser_env;
mod connect;
mod emulate;
mod links;
mod loopback;
mod pages;
mod pair;
