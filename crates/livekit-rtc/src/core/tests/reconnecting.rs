//! Connections that break, in every way they do.

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_request::Message as ToServer;

use super::joining::leave;
use super::ms;
use super::server::Script;
use super::world::{Udp, World, options};
use crate::participant::Command;
use crate::{CommandError, DisconnectReason, Event, JoinError, JoinOptions, TextOptions};

#[test]
fn a_closed_connection_is_replaced_and_everything_is_back() {
    let mut world = World::joined(Script::default(), Udp::default());
    let attributes = [("lk.agent.state".to_owned(), "listening".to_owned())];
    let mut set = world.ask(Command::SetAttributes(attributes.clone().into()));
    world.run_for(ms(100));
    assert_eq!(set.try_recv(), Ok(Ok(())));

    world.hang_up();
    world.run_until(World::reconnected);
    assert_eq!(
        world.tokens,
        ["token 0", "token 1"],
        "the fresh token is used"
    );
    assert!(world.saw(&Event::Reconnected {
        track: Some("TR_me_2".into())
    }));
    assert_eq!(world.session.local.track, Some("TR_me_2".into()));
    let restored = world.server().said.iter().find_map(|said| match said {
        ToServer::UpdateMetadata(update) => Some(update.attributes.clone()),
        _ => None,
    });
    assert_eq!(restored, Some(attributes.into()));

    let about_tracks: Vec<_> = world
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::TrackSubscribed(_) => Some("subscribed"),
            Event::TrackUnsubscribed { .. } => Some("unsubscribed"),
            Event::Reconnecting => Some("reconnecting"),
            Event::Reconnected { .. } => Some("reconnected"),
            Event::ParticipantConnected(_) | Event::ParticipantDisconnected { .. } => {
                Some("person")
            }
            _ => None,
        })
        .collect();
    let expected = [
        "person",
        "subscribed",
        "reconnecting",
        "unsubscribed",
        "subscribed",
        "reconnected",
    ];
    assert_eq!(
        about_tracks, expected,
        "who stayed is not told to have come again"
    );
}

#[test]
fn a_media_path_that_breaks_is_noticed_and_replaced() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.udp.loss = 1.0;
    let broken = world.elapsed();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let noticed = world.elapsed() - broken;
    assert!(noticed <= ms(20_000), "after {noticed:?}");
    world.udp.loss = 0.0;
    world.run_until(World::reconnected);
}

#[test]
fn a_server_that_asks_to_come_again_is_asked_again() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.say(leave(DisconnectReason::ServerShutdown, Action::Reconnect));
    world.run_until(World::reconnected);
    assert_eq!(world.redialled, Vec::<String>::new());
}

#[test]
fn attempts_go_on_with_pauses_until_time_is_up() {
    let options = JoinOptions {
        reconnect_timeout: ms(20_000),
        ..options()
    };
    let mut world = World::new(options, Script::default(), Udp::default());
    world.run_until(|world| world.joined.is_some());
    world.refusal = Some(JoinError::Unreachable("refused".into()));
    let lost = world.elapsed();
    world.hang_up();
    world.run_until(|world| world.ended.is_some());
    assert_eq!(world.ended, Some(DisconnectReason::ConnectionLost));
    let took = world.elapsed() - lost;
    assert!((ms(20_000)..=ms(21_000)).contains(&took), "{took:?}");
    let attempts = (world.redialled.len(), world.tokens.len());
    assert!(
        (1..5).contains(&attempts.0) && (5..40).contains(&attempts.1),
        "{attempts:?} attempts"
    );
}

#[test]
fn a_token_that_has_run_out_ends_it() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.refusal = Some(JoinError::Unauthorized("expired".into()));
    world.hang_up();
    world.run_until(|world| world.ended.is_some());
    assert_eq!(world.ended, Some(DisconnectReason::JoinFailure));
}

#[test]
fn an_attempt_that_gets_stuck_is_not_the_last() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.script.never_lets_in = true;
    world.hang_up();
    world.run_until(|world| world.tokens.len() == 3);
    world.script.never_lets_in = false;
    world.run_until(World::reconnected);
}

#[test]
fn what_was_asked_for_in_the_gap_is_done_after_it() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.hang_up();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let mut set = world.ask(Command::SetAttributes([("a".into(), "1".into())].into()));
    let text = |text: &str| Command::SendText {
        id: text.into(),
        topic: "t".into(),
        text: text.into(),
        options: TextOptions::default(),
    };
    let mut sent = world.ask(text("wanted"));
    let given_up = world.ask(text("given up"));
    drop(given_up);
    world.run_until(World::reconnected);
    world.run_for(ms(200));
    assert_eq!((set.try_recv(), sent.try_recv()), (Ok(Ok(())), Ok(Ok(()))));
    assert_eq!(
        world.server().packets.len(),
        3,
        "header, chunk and trailer of the wanted one"
    );
}

#[test]
fn streams_end_with_their_connection() {
    let mut world = World::joined(Script::default(), Udp::default());
    let open = |id: &str| Command::OpenText {
        id: id.into(),
        topic: "t".into(),
        options: TextOptions::default(),
    };
    let write = |id: &str| Command::WriteText {
        id: id.into(),
        text: "more".into(),
    };
    let mut opened = world.ask(open("s"));
    world.hang_up();
    world.run_until(World::reconnected);
    assert_eq!(opened.try_recv(), Ok(Ok(())));
    assert_eq!(
        world.ask(write("s")).try_recv(),
        Ok(Err(CommandError::StreamLost))
    );
    let mut again = world.ask(open("s2"));
    let mut wrote = world.ask(write("s2"));
    world.run_for(ms(100));
    assert_eq!(
        (again.try_recv(), wrote.try_recv()),
        (Ok(Ok(())), Ok(Ok(())))
    );
}

#[test]
fn muting_lasts_through_a_new_connection() {
    let mut world = World::joined(Script::default(), Udp::default());
    assert_eq!(world.ask(Command::SetMuted(true)).try_recv(), Ok(Ok(())));
    world.hang_up();
    world.run_until(World::reconnected);
    world.run_for(ms(1_000));
    let muted = world.server().said.iter().find_map(|said| match said {
        ToServer::AddTrack(request) => Some(request.muted),
        _ => None,
    });
    assert_eq!(muted, Some(true));
    let heard = &world.server().heard;
    assert!(
        heard
            .iter()
            .all(|(_, frame)| frame.iter().all(|sample| sample.unsigned_abs() < 50))
    );
}
