//! Which ports a clone uses: a block of a hundred, the same at every start as long as nobody else took it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::project::Project;

const FIRST: u16 = 7700;
const STEP: u16 = 100;
const BLOCKS: u16 = 100;
/// Held by the supervisor, so that no other clone takes the block while a part of ours is down.
const RESERVATION: u16 = 99;
/// Parts whose supervisor was killed keep their ports for a moment.
const DYING_PARTS: Duration = Duration::from_secs(6);

/// A clone's block of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    base: u16,
}

/// The block, taken for as long as this value lives.
#[derive(Debug)]
pub struct Reservation {
    ports: Ports,
    _listener: TcpListener,
}

impl Reservation {
    pub fn base(&self) -> u16 {
        self.ports.base
    }
}

impl Ports {
    pub fn at(base: u16) -> Self {
        Self { base }
    }

    pub fn web(self) -> u16 {
        self.base
    }

    /// gRPC of the service with this number: auth 1, profile 2, knowledge 3, agent 4.
    pub fn grpc(self, service: u16) -> u16 {
        self.base + service
    }

    /// The admin port of the service with this number.
    pub fn admin(self, service: u16) -> u16 {
        self.base + 10 + service
    }

    pub fn local_ai(self) -> u16 {
        self.base + 20
    }

    pub fn livekit(self) -> u16 {
        self.base + 30
    }

    pub fn livekit_tcp(self) -> u16 {
        self.base + 31
    }

    pub fn livekit_udp(self) -> u16 {
        self.base + 32
    }

    pub fn postgres(self) -> u16 {
        self.base + 40
    }

    pub fn firebase(self) -> u16 {
        self.base + 50
    }

    pub fn firebase_hub(self) -> u16 {
        self.base + 51
    }

    pub fn firebase_logging(self) -> u16 {
        self.base + 52
    }

    fn tcp(self) -> impl Iterator<Item = u16> {
        let services = (1..=4).flat_map(move |service| [self.grpc(service), self.admin(service)]);
        services.chain([
            self.web(),
            self.local_ai(),
            self.livekit(),
            self.livekit_tcp(),
            self.postgres(),
            self.firebase(),
            self.firebase_hub(),
            self.firebase_logging(),
        ])
    }

    fn is_free(self) -> bool {
        self.tcp()
            .all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
            && UdpSocket::bind((Ipv4Addr::LOCALHOST, self.livekit_udp())).is_ok()
    }

    fn reserve(self) -> Option<Reservation> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.base + RESERVATION)).ok()?;
        Some(Reservation {
            ports: self,
            _listener: listener,
        })
    }
}

/// Takes a block for this clone: the one it had, else the first that is free.
///
/// # Errors
///
/// No block is free.
pub fn reserve(project: &Project) -> anyhow::Result<Reservation> {
    let kept = fs::read_to_string(file(project))
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let Some(reservation) = candidates(kept).find_map(|ports| try_block(ports, kept)) else {
        bail!("no block of ports from {FIRST} on is free");
    };
    fs::write(file(project), reservation.base().to_string()).context("the port file")?;
    Ok(reservation)
}

fn try_block(ports: Ports, kept: Option<u16>) -> Option<Reservation> {
    let reservation = ports.reserve()?;
    let patience = if kept == Some(ports.base) {
        DYING_PARTS
    } else {
        Duration::ZERO
    };
    wait_until_free(ports, patience).then_some(reservation)
}

fn wait_until_free(ports: Ports, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while !ports.is_free() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    true
}

fn candidates(kept: Option<u16>) -> impl Iterator<Item = Ports> {
    let all = (0..BLOCKS).map(|block| FIRST + block * STEP);
    let is_block = move |base: &u16| all.clone().any(|known| known == *base);
    let kept = kept.filter(is_block);
    let others = (0..BLOCKS)
        .map(|block| FIRST + block * STEP)
        .filter(move |base| Some(*base) != kept);
    kept.into_iter().chain(others).map(Ports::at)
}

fn file(project: &Project) -> PathBuf {
    project.dev_dir().join("base-port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_blocks_are_tried_in_order() {
        let bases: Vec<_> = candidates(None).take(3).map(|ports| ports.base).collect();
        assert_eq!(bases, [7700, 7800, 7900]);
    }

    #[test]
    fn the_kept_block_comes_first_and_once() {
        let bases: Vec<_> = candidates(Some(7800)).map(|ports| ports.base).collect();
        assert_eq!(bases[..3], [7800, 7700, 7900]);
        assert_eq!(bases.len(), usize::from(BLOCKS));
    }

    #[test]
    fn a_kept_number_that_is_no_block_is_ignored() {
        assert_eq!(candidates(Some(80)).next(), Some(Ports::at(7700)));
    }

    #[test]
    fn a_block_with_one_taken_port_is_not_free() {
        // Far from the blocks in use, and below the ports that systems hand out.
        let ports = (0..50)
            .map(|n| Ports::at(21_000 + n * 100))
            .find(|ports| ports.is_free())
            .unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.firebase())).unwrap();
        assert!(!ports.is_free());
        drop(taken);
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, ports.livekit_udp())).unwrap();
        assert!(!ports.is_free());
        drop(taken);
    }

    #[test]
    fn a_reserved_block_is_refused_to_others() {
        let ports = (0..50)
            .map(|n| Ports::at(26_000 + n * 100))
            .find(|ports| ports.is_free())
            .unwrap();
        let reservation = ports.reserve().unwrap();
        assert!(ports.reserve().is_none());
        drop(reservation);
        assert!(ports.reserve().is_some());
    }
}
