//! Repeats the experiment of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): a hundred
//! clients each write one row once. A client reads the row's version and writes; if another client wrote in between,
//! the write is rejected, and the client waits and starts again. Every message takes 10 ms, plus or minus 2 ms. The
//! first wait is at most 10 ms (5 ms, doubled before the first use), and the longest at most 2 s. The result is the
//! number of writes until all clients have succeeded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use buttress_core::{Backoff, Jitter};

use super::draws::Draws;

const CLIENTS: usize = 100;
const RUNS: u64 = 100;

/// When a rejected client retries.
#[derive(Debug, Clone, Copy)]
enum Manners {
    /// After the backoff's wait.
    Backoff(Jitter),
    /// When the server says, plus the backoff's first wait.
    Hint,
    /// Immediately.
    None,
}

/// A message in transit: its kind and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Read,
    Version(u64),
    Write(u64),
    Refusal(Duration),
}

#[derive(Debug, Default)]
struct Server {
    version: u64,
    writes: u64,
    /// The latest time at which the server has told a client to retry.
    promised: Duration,
}

#[derive(Debug, Clone, Copy, Default)]
struct Client {
    retries: u32,
    waited: Duration,
}

/// The time that the server allows one client for the row: a read and a write take three messages.
const TURN: Duration = Duration::from_millis(35);

impl Server {
    fn write(&mut self, version: u64, now: Duration) -> Result<(), Duration> {
        self.writes += 1;
        if version == self.version {
            self.version += 1;
            return Ok(());
        }
        self.promised = self.promised.max(now) + TURN;
        Err(self.promised - now)
    }
}

fn writes(manners: Manners, seed: u64) -> u64 {
    let backoff = Backoff::default()
        .base(Duration::from_millis(10))
        .cap(Duration::from_secs(2));
    let mut draws = Draws(seed << 32);
    let mut server = Server::default();
    let mut clients = [Client::default(); CLIENTS];
    let mut messages = BinaryHeap::new();
    for client in 0..CLIENTS {
        messages.push(Reverse((delay(&mut draws), client, Message::Read)));
    }
    while let Some(Reverse((now, client, message))) = messages.pop() {
        let (wait, answer) = match message {
            Message::Read => (Duration::ZERO, Message::Version(server.version)),
            Message::Version(version) => (Duration::ZERO, Message::Write(version)),
            Message::Write(version) => match server.write(version, now) {
                Ok(()) => continue,
                Err(hint) => (Duration::ZERO, Message::Refusal(hint)),
            },
            Message::Refusal(hint) => {
                let client = &mut clients[client];
                let wait = match manners {
                    Manners::None => Duration::ZERO,
                    Manners::Backoff(jitter) => {
                        backoff
                            .jitter(jitter)
                            .wait(client.retries, client.waited, draws.next())
                    }
                    Manners::Hint => hint + backoff.wait(0, Duration::ZERO, draws.next()),
                };
                client.retries += 1;
                client.waited = wait;
                (wait, Message::Read)
            }
        };
        let arrives = now + wait + delay(&mut draws);
        messages.push(Reverse((arrives, client, answer)));
    }
    assert_eq!(server.version, CLIENTS as u64, "all have written");
    server.writes
}

fn delay(draws: &mut Draws) -> Duration {
    Duration::from_secs_f64(draws.normal(0.010, 0.002).abs())
}

/// The mean number of writes.
fn mean_writes(manners: Manners) -> u64 {
    (0..RUNS).map(|seed| writes(manners, seed)).sum::<u64>() / RUNS
}

/// As published: no backoff takes the most writes, backoff without jitter far fewer, and any jitter less than half of
/// those.
#[test]
fn a_hundred_clients_contend_as_published() {
    let none = mean_writes(Manners::None);
    let in_step = mean_writes(Manners::Backoff(Jitter::None));
    let equal = mean_writes(Manners::Backoff(Jitter::Equal));
    let full = mean_writes(Manners::Backoff(Jitter::Full));
    let decorrelated = mean_writes(Manners::Backoff(Jitter::Decorrelated));
    let hint = mean_writes(Manners::Hint);
    println!(
        "writes by {CLIENTS} clients: no backoff {none}, no jitter {in_step}, decorrelated {decorrelated}, equal {equal}, \
         full {full}, hint obeyed {hint}"
    );
    assert!(full <= 800, "{full}");
    assert!(in_step < none, "{in_step} of {none}");
    assert!(full * 2 < in_step, "{full} of {in_step}");
    assert!(equal * 2 < in_step, "{equal} of {in_step}");
    assert!(decorrelated * 2 < in_step, "{decorrelated} of {in_step}");
    assert!(hint <= 340, "{hint}");
}
