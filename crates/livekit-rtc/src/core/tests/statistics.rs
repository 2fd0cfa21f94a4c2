//! What is measured of a network that is known.

use std::time::Duration;

use super::ms;
use super::server::{LATENCY, OTHER, OTHER_TRACK, Script};
use super::world::{Udp, World};
use crate::{Event, Statistics};

impl World {
    fn statistics(&self) -> Vec<Statistics> {
        let told = self.events.iter().filter_map(|(_, event)| match event {
            Event::Statistics(statistics) => Some(statistics.clone()),
            _ => None,
        });
        told.collect()
    }
}

/// Half a minute in which both speak over this network: reports of what was lost come every five
/// seconds, and the first is only a beginning.
fn measured(udp: Udp) -> Statistics {
    let mut world = World::joined(Script::default(), Udp::default());
    world.udp = udp;
    let now = world.now;
    world.server().speak(now);
    world.run_for(ms(30_000));
    let told = world.statistics();
    assert!((14..=16).contains(&told.len()), "told {} times", told.len());
    told.last().unwrap().clone()
}

#[test]
fn a_good_network_is_seen_to_be_good() {
    let told = measured(Udp::default());
    let round_trip = told.round_trip.unwrap();
    assert!((ms(19)..ms(30)).contains(&round_trip), "{round_trip:?}");
    let [track] = &told.received[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&track.participant, &track.track),
        (&OTHER.into(), &OTHER_TRACK.into())
    );
    for quality in [track.quality, told.sent.unwrap()] {
        assert!(quality.jitter < ms(3), "{quality:?}");
        assert!(quality.loss < 0.001, "{quality:?}");
    }
}

#[test]
fn loss_and_jitter_are_seen() {
    let told = measured(Udp {
        loss: 0.1,
        jitter: ms(40),
        seed: 1,
    });
    for quality in [told.received[0].quality, told.sent.unwrap()] {
        assert!((ms(5)..ms(30)).contains(&quality.jitter), "{quality:?}");
        assert!((0.02..0.25).contains(&quality.loss), "{quality:?}");
    }
    assert!(told.round_trip.unwrap() < 2 * LATENCY + ms(2 * 40 + 10));
}

#[test]
fn nothing_is_told_without_a_connection() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.hang_up();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let (told, at) = (world.statistics().len(), world.elapsed());
    world.run_until(World::reconnected);
    assert_eq!(world.statistics().len(), told);
    assert!(world.elapsed() - at < Duration::from_secs(2));
}
