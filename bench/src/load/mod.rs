//! The load generator: one thread, raw keep-alive connections, requests that were written before.
//!
//! It must be faster than what it measures, so it does nothing but send the same bytes again
//! when an answer is complete: two system calls a request, and no runtime.

mod connection;
mod measured;
mod response;
mod watch;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
};

use self::connection::Connection;
pub(crate) use self::{measured::Measured, response::Reader, watch::Watch};
use crate::disturbance::Disturbance;

/// Room for what one read brings.
const BUFFER: usize = 256 << 10;

/// Without any news for this long the server is stuck.
const STUCK: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};

/// Judges the body of an answer.
pub(crate) type Judge = fn(&[u8]) -> Result<()>;

/// What an answer must be, beside having the status 200.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// The first one of every connection must please the judge.
    Body(Judge),
    /// Every one has this length.
    Length(u64),
}

/// When enough has been measured.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Elapsed(Duration),
    Answers(u64),
}

/// What is sent, and for how long.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) watch: Watch<'a>,
    /// One for each connection; it sends it again and again.
    pub(crate) requests: &'a [Vec<u8>],
    pub(crate) expected: Expected,
    /// Time under load before anything counts.
    pub(crate) warm_up: Duration,
    pub(crate) until: Until,
}

impl Load<'_> {
    /// The same, with what disturbed it: other processes, and whatever made `slower` rise, which is
    /// looked at before and after.
    pub(crate) fn run_between(
        &self,
        slower: impl Fn() -> Result<f64>,
    ) -> Result<(Measured, Disturbance)> {
        let before = slower()?;
        let measured = self.run()?;
        let disturbance = Disturbance {
            others: measured.others_share(),
            slower: before.max(slower()?),
        };
        Ok((measured, disturbance))
    }

    /// Sends, and measures until it is enough.
    pub(crate) fn run(&self) -> Result<Measured> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(self.requests.len());
        for (number, request) in self.requests.iter().enumerate() {
            let connection = Connection::open(self.address, request, self.expected)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poll, connection.stream(), data, epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        let mut run = Run {
            poll,
            connections,
            events: Vec::with_capacity(64),
            buffer: vec![0; BUFFER],
            measured: Measured::default(),
            waiting: 0,
        };
        for connection in &mut run.connections {
            connection.send()?;
            run.waiting += 1;
        }
        run.go_on(Until::Elapsed(self.warm_up))?;
        run.measured = Measured::begin(self.watch)?;
        run.go_on(self.until)?;
        let mut measured = std::mem::take(&mut run.measured);
        measured.end(self.watch)?;
        run.drain()?;
        Ok(measured)
    }
}

struct Run<'a> {
    poll: rustix::fd::OwnedFd,
    connections: Vec<Connection<'a>>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    measured: Measured,
    /// How many connections wait for an answer.
    waiting: usize,
}

impl Run<'_> {
    fn go_on(&mut self, until: Until) -> Result<()> {
        let begun = Instant::now();
        let is_enough = |measured: &Measured, now: Instant| match until {
            Until::Elapsed(time) => now - begun >= time,
            Until::Answers(answers) => measured.answers() >= answers,
        };
        while !is_enough(&self.measured, Instant::now()) {
            self.turn(true)?;
        }
        Ok(())
    }

    /// Waits for the answers that are on their way, so that the next measurement starts clean.
    fn drain(&mut self) -> Result<()> {
        while self.waiting > 0 {
            self.turn(false)?;
        }
        Ok(())
    }

    fn turn(&mut self, sends_again: bool) -> Result<()> {
        let happened = epoll::wait(&self.poll, spare_capacity(&mut self.events), Some(&STUCK));
        match happened {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            happened => ensure!(happened? > 0, "the server has not answered for 30 s"),
        }
        for event in self.events.drain(..) {
            let connection = usize::try_from(event.data.u64())
                .ok()
                .and_then(|number| self.connections.get_mut(number))
                .context("an event of no connection")?;
            let arrived = connection.receive(&mut self.buffer)?;
            self.measured.arrived(arrived.bytes);
            if let Some(time) = arrived.complete_after {
                self.measured.answered(time);
                if sends_again {
                    connection.send()?;
                } else {
                    self.waiting -= 1;
                }
            }
        }
        Ok(())
    }
}
