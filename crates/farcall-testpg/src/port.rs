//! Ports for servers that have to be told one.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below what systems give out by themselves (Linux from 32,768, others from 49,152): there, whoever connects to
/// anything may get the port before the server does.
const FIRST: u16 = 24_576;
const PORTS: u16 = 8_192;

/// How many ports lie between those of one process and of the next: tests run in several at once.
const APART: u32 = 8;

/// A port of this machine's own address where nobody listens; this process gets each once.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = process::id().wrapping_mul(APART);
    (0..PORTS)
        .find_map(|_| {
            let given = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
            let port = FIRST + u16::try_from(given % u32::from(PORTS)).ok()?;
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
            Some(port)
        })
        .expect("8,192 ports are not all taken")
}
