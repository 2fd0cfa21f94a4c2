//! Sound in both directions over a network that loses, delays and reorders.

use super::ms;
use super::server::Script;
use super::world::{Udp, World};
use crate::{Content, FRAME_DURATION, Frame};

fn is_loud(frame: &Frame) -> bool {
    frame.iter().any(|sample| sample.unsigned_abs() > 1_000)
}

fn share(heard: &[(Content, Frame)], content: Content) -> f64 {
    let count = heard.iter().filter(|(kind, _)| *kind == content).count();
    count as f64 / heard.len() as f64
}

/// Ten seconds of both speaking: what we hear and what the server hears.
fn ten_seconds(udp: Udp) -> [Vec<(Content, Frame)>; 2] {
    let mut world = World::joined(Script::default(), Udp::default());
    world.udp = udp;
    let now = world.now;
    world.server().speak(now);
    world.run_for(ms(10_000));
    let heard = world.heard.lock().unwrap().clone();
    [heard, world.server().heard.clone()]
}

#[test]
fn both_hear_each_other_on_a_good_network() {
    for heard in ten_seconds(Udp::default()) {
        let time = FRAME_DURATION * u32::try_from(heard.len()).unwrap();
        assert!((ms(9_900)..=ms(10_050)).contains(&time), "{time:?}");
        assert!(share(&heard, Content::Concealed) < 0.01);
        assert!(heard[50..].iter().all(|(_, frame)| is_loud(frame)));
    }
}

#[test]
fn both_hear_each_other_on_a_bad_network() {
    for loss in [0.01, 0.05, 0.10] {
        for heard in ten_seconds(Udp {
            loss,
            jitter: ms(40),
            ..Udp::default()
        }) {
            let time = FRAME_DURATION * u32::try_from(heard.len()).unwrap();
            assert!(
                (ms(9_700)..=ms(10_200)).contains(&time),
                "{time:?} at {loss}"
            );
            let concealed = share(&heard, Content::Concealed);
            assert!(
                concealed < loss + 0.03,
                "{concealed} is concealed at {loss}"
            );
            let loud = heard.iter().filter(|(_, frame)| is_loud(frame)).count();
            assert!(
                loud as f64 > 0.93 * heard.len() as f64,
                "{loud} of {} at {loss}",
                heard.len()
            );
        }
    }
}
