//! Random names, so that tests can share one storage.

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

/// A random name of letters, digits and a hyphen.
pub(super) fn random_name(what: &str) -> String {
    let mut random = [0; 8];
    rand::fill(&mut random).expect("the system gives random numbers");
    format!("{what}-{}", HEXLOWER.encode(&random))
}
