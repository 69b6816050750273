//! Ports for programs that need theirs before they start.
//!
//! A port that is free now may be taken a moment later, and then another program answers instead of
//! the tested one. Therefore ports come from a range that the system does not hand out by itself,
//! and each is held by a lock on a file as long as its program lives: no two programs of any test,
//! in this process or another, get the same port.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// Below what Linux (32768 and above), macOS and Windows (49152 and above) hand out by themselves.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of our own, until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: File,
}

impl Port {
    /// Takes a port without a listener.
    ///
    /// # Errors
    /// Where there is none, or no place for the locks.
    pub fn take() -> anyhow::Result<Self> {
        static TAKEN: AtomicU16 = AtomicU16::new(0);
        let locks = std::env::temp_dir().join("calrelay-test-ports");
        std::fs::create_dir_all(&locks)?;
        // Each process begins elsewhere, so that it rarely meets another's locks.
        let begin = std::process::id().wrapping_mul(61) % u32::from(COUNT);
        for _ in 0..COUNT {
            let next = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
            let number = FIRST + u16::try_from((begin + next) % u32::from(COUNT))?;
            let held = File::create(locks.join(number.to_string()))?;
            if held.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _held: held });
            }
        }
        None.context("no free port")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_a_port_that_is_held() {
        let ports: Vec<Port> = (0..200).map(|_| Port::take().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 200);
        let lock = File::create(
            std::env::temp_dir().join("calrelay-test-ports").join(numbers[0].to_string()),
        )
        .unwrap();
        assert!(lock.try_lock().is_err(), "held against other processes too");
    }

    #[test]
    fn a_port_at_which_somebody_listens_is_passed_over() {
        let first = Port::take().unwrap().number();
        let near: Vec<TcpListener> = (first + 1..first + 20)
            .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
            .collect();
        let next = Port::take().unwrap();
        assert!(near.iter().all(|taken| taken.local_addr().unwrap().port() != next.number()));
    }
}
