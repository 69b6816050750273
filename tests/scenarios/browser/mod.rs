//! Consent at Google as a person sees it: in a real browser, with both boxes of Google's page, over
//! http on the machine itself and over https behind both hosts (G1, G2, S1).

mod appearance;
mod browser_env;
mod emulate;
mod links;
mod loopback;
