//! Signalling that breaks while media goes on.

use std::time::Duration;

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_request::Message as ToServer;

use super::joining::leave;
use super::ms;
use super::server::{OTHER, Script};
use super::world::{Udp, World};
use crate::participant::Command;
use crate::{Content, DataOptions, DisconnectReason, Event, Frame, JoinError};

/// Both speak; nothing is lost on the way. What is heard is counted from here.
fn talking(script: Script) -> World {
    let mut world = World::joined(script, Udp::default());
    let now = world.now;
    world.server().speak(now);
    world.run_for(ms(1_000));
    world.heard.lock().unwrap().clear();
    world.server().heard.clear();
    world
}

/// Whether all of this time was heard as it was said, by both.
fn is_whole(world: &mut World, time: Duration) -> bool {
    let whole = |heard: &[(Content, Frame)]| {
        let frames = (time.as_millis() / 10) as usize;
        heard.len() + 10 >= frames
            && heard
                .iter()
                .all(|(content, _)| *content == Content::Decoded)
    };
    whole(&world.server().heard) && whole(&world.heard.lock().unwrap())
}

fn has_resumed(world: &World) -> bool {
    let said = &world.server.as_ref().unwrap().said;
    said.iter()
        .any(|said| matches!(said, ToServer::SyncState(_)))
}

#[test]
fn sound_and_messages_go_on_while_signalling_is_made_again() {
    let mut world = talking(Script::default());
    let local = world.session.local.clone();
    let before = world.events.len();
    let cut = world.elapsed();
    world.cut_signalling();
    let mut sent = world.ask(Command::PublishData {
        payload: b"in the gap".to_vec(),
        options: DataOptions::default(),
    });
    world.run_until(has_resumed);
    world.run_for(ms(3_000));

    assert_eq!(world.redialled, ["PA_me_1"], "the same stay");
    assert_eq!(world.tokens.len(), 1, "no new connection");
    assert_eq!(world.session.local, local);
    assert_eq!(sent.try_recv(), Ok(Ok(())));
    assert_eq!(world.server().packets.len(), 1);
    let time = world.elapsed() - cut;
    assert!(is_whole(&mut world, time));
    let told: Vec<_> = world.events[before..]
        .iter()
        .filter(|(_, event)| !matches!(event, Event::Statistics(_)))
        .collect();
    assert!(told.is_empty(), "the room has not changed: {told:?}");
}

#[test]
fn the_server_is_told_what_it_needs_to_go_on() {
    let mut world = talking(Script::default());
    world.cut_signalling();
    world.run_until(has_resumed);
    let state = world.server().said.iter().find_map(|said| match said {
        ToServer::SyncState(state) => Some(state.clone()),
        _ => None,
    });
    let state = state.unwrap();
    let published: Vec<_> = state
        .publish_tracks
        .iter()
        .map(|published| published.track.clone().unwrap().sid)
        .collect();
    assert_eq!(published, ["TR_me_1"]);
    assert!(state.offer.is_some() && state.answer.is_some());
    assert!(!state.subscription.unwrap().subscribe);
}

#[test]
fn what_is_asked_for_in_the_gap_is_done_after_it() {
    let mut world = talking(Script::default());
    world.cut_signalling();
    world.run_for(ms(15));
    let mut set = world.ask(Command::SetAttributes([("a".into(), "1".into())].into()));
    assert_eq!(world.ask(Command::SetMuted(true)).try_recv(), Ok(Ok(())));
    world.run_until(has_resumed);
    world.run_for(ms(100));
    assert_eq!(set.try_recv(), Ok(Ok(())));
    let muted =
        world.server().said.iter().any(
            |said| matches!(said, ToServer::Mute(mute) if mute.muted && mute.sid == "TR_me_1"),
        );
    assert!(muted);
}

#[test]
fn what_was_asked_for_just_before_is_asked_for_again() {
    let mut world = talking(Script::default());
    let mut set = world.ask(Command::SetAttributes([("a".into(), "1".into())].into()));
    world.cut_signalling();
    world.run_until(has_resumed);
    world.run_for(ms(100));
    assert_eq!(set.try_recv(), Ok(Ok(())));
    assert_eq!(
        world.session.attributes.get("a").map(String::as_str),
        Some("1")
    );
}

#[test]
fn signalling_that_goes_silent_is_made_again() {
    let mut world = talking(Script {
        never_answers_pings: true,
        ..Script::default()
    });
    let silent = world.elapsed();
    world.run_until(|world| !world.redialled.is_empty());
    let noticed = world.elapsed() - silent;
    assert!(noticed <= ms(15_400), "after {noticed:?}");
    world.run_until(has_resumed);
    assert!(!world.saw(&Event::Reconnecting));
    assert_eq!(world.tokens.len(), 1);
}

#[test]
fn a_server_that_asks_for_it_is_resumed_with() {
    let mut world = talking(Script::default());
    world.say(leave(DisconnectReason::ServerShutdown, Action::Resume));
    world.run_until(has_resumed);
    assert!(!world.saw(&Event::Reconnecting));
}

#[test]
fn a_server_that_cannot_be_reached_for_a_while_is_tried_again_and_media_goes_on() {
    let mut world = talking(Script::default());
    let cut = world.elapsed();
    world.refusal = Some(JoinError::Unreachable("refused".into()));
    world.cut_signalling();
    world.run_until(|world| world.redialled.len() == 4);
    world.refusal = None;
    world.run_until(has_resumed);
    let time = world.elapsed() - cut;
    assert!(is_whole(&mut world, time));
    assert_eq!(world.tokens.len(), 1);
}

#[test]
fn a_stay_that_the_server_has_forgotten_is_begun_anew() {
    let mut world = talking(Script::default());
    world.hang_up();
    world.run_until(World::reconnected);
    assert_eq!((world.redialled.len(), world.tokens.len()), (1, 2));
}

#[test]
fn a_server_that_does_not_take_us_back_is_joined_anew() {
    let mut world = talking(Script {
        never_takes_back: true,
        ..Script::default()
    });
    let cut = world.elapsed();
    world.cut_signalling();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let gave_up = world.elapsed() - cut;
    assert!(gave_up <= ms(5_500), "after {gave_up:?}");
    world.run_until(World::reconnected);
}

#[test]
fn media_that_breaks_as_well_is_made_anew() {
    let mut world = talking(Script {
        never_takes_back: true,
        ..Script::default()
    });
    let cut = world.elapsed();
    world.cut_signalling();
    world.udp.loss = 1.0;
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let gave_up = world.elapsed() - cut;
    assert!(gave_up <= ms(2_600), "after {gave_up:?}");
    world.udp.loss = 0.0;
    world.run_until(World::reconnected);
}

/// What is said to a server that is gone is lost: it must not be much.
#[test]
fn a_server_that_is_gone_is_soon_known_to_be() {
    let mut world = talking(Script::default());
    let gone = world.elapsed();
    world.refusal = Some(JoinError::Unreachable("refused".into()));
    world.hang_up();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let noticed = world.elapsed() - gone;
    assert!(noticed <= ms(1_500), "after {noticed:?}");
    world.refusal = None;
    world.run_until(World::reconnected);
}

#[test]
fn who_left_in_the_gap_is_told_of() {
    let mut world = talking(Script::default());
    world.cut_signalling();
    world.run_until(has_resumed);
    world.leaves(OTHER);
    world.run_until(|world| {
        world.events.iter().any(|(_, event)| {
            matches!(event, Event::ParticipantDisconnected { identity, .. } if identity.as_str() == OTHER)
        })
    });
}
