//! Joining: how fast, under what losses, and what is said when it fails.

use livekit_protocol as proto;
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;

use super::ms;
use super::server::Script;
use super::world::{Udp, World, options};
use crate::core::Input;
use crate::participant::Command;
use crate::{DisconnectReason, Event, JoinError, JoinOptions, JoinStage};

/// Lets joining come to its end and gives its outcome.
fn outcome(options: JoinOptions, script: Script, udp: Udp) -> (World, Result<(), JoinError>) {
    let mut world = World::new(options, script, udp);
    world.run_until(|world| world.joined.is_some());
    let outcome = world.joined.clone().unwrap().1;
    (world, outcome)
}

#[test]
fn joining_takes_a_few_round_trips() {
    let world = World::joined(Script::default(), Udp::default());
    assert!(world.elapsed() < ms(400), "{:?}", world.elapsed());
    let told: Vec<_> = world.events.iter().map(|(_, event)| event).collect();
    assert!(matches!(told[0], Event::ParticipantConnected(_)));
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::TrackSubscribed(_)))
    );
    assert_eq!(world.session.local.track, Some("TR_me_1".into()));
}

#[test]
fn attributes_are_set_before_media_is_up() {
    let attributes = [("lk.agent.state".to_owned(), "initializing".to_owned())];
    let options = JoinOptions {
        attributes: attributes.into(),
        ..options()
    };
    let (mut world, outcome) = outcome(options, Script::default(), Udp::default());
    assert_eq!(outcome, Ok(()));
    let said = &world.server().said;
    assert!(matches!(&said[0], ToServer::UpdateMetadata(update) if update.attributes.len() == 1));
}

#[test]
fn joining_survives_losses() {
    // The handshakes send again after one second, then two, four and eight. They are random in
    // themselves, so that now and then one is given up, or takes longer, whatever the seed.
    let options = JoinOptions {
        timeout: ms(60_000),
        ..options()
    };
    for loss in [0.02, 0.05, 0.10] {
        let times = (0..20).map(|seed| {
            let udp = Udp {
                loss,
                jitter: ms(30),
                seed,
            };
            let (world, outcome) = outcome(options.clone(), Script::default(), udp);
            outcome.map(|()| world.elapsed())
        });
        let (mut times, given_up): (Vec<_>, Vec<_>) = times.partition(Result::is_ok);
        assert!(given_up.len() <= 1, "{given_up:?} at {loss}");
        times.sort_by_key(|time| time.clone().ok());
        assert!(
            times[10].as_ref().is_ok_and(|time| *time < ms(5_000)),
            "{times:?} at {loss}"
        );
    }
}

#[test]
fn a_timeout_says_what_was_waited_for() {
    let cases = [
        (
            Script {
                never_lets_in: true,
                ..Script::default()
            },
            0.0,
            JoinStage::Admission,
        ),
        (
            Script {
                never_publishes: true,
                ..Script::default()
            },
            0.0,
            JoinStage::Publication,
        ),
        (Script::default(), 1.0, JoinStage::Media),
    ];
    for (script, loss, stage) in cases {
        let (world, outcome) = outcome(
            options(),
            script,
            Udp {
                loss,
                ..Udp::default()
            },
        );
        let limit = options().timeout;
        assert_eq!(outcome, Err(JoinError::Timeout { limit, stage }));
        assert_eq!(world.elapsed(), limit);
        assert_eq!(
            world.session.next_deadline(),
            None,
            "a session that is over wants nothing"
        );
    }
}

#[test]
fn a_refused_dial_is_passed_on_and_not_repeated() {
    let refusal = JoinError::Unauthorized("invalid token".into());
    let mut world = World::new(options(), Script::default(), Udp::default());
    world
        .session
        .handle(world.now, Input::DialFailed(refusal.clone()));
    world.run_until(|world| world.joined.is_some());
    assert_eq!(world.joined.unwrap().1, Err(refusal));
    assert_eq!(world.tokens.len(), 1);
}

#[test]
fn a_track_that_is_refused_fails_the_join() {
    let script = Script {
        refuses_track: true,
        ..Script::default()
    };
    let (_, outcome) = outcome(options(), script, Udp::default());
    assert!(
        matches!(outcome, Err(JoinError::NotAllowed(_))),
        "{outcome:?}"
    );
}

#[test]
fn an_offer_that_makes_no_sense_is_an_error_and_no_panic() {
    let script = Script {
        sends_broken_offer: true,
        ..Script::default()
    };
    let (_, outcome) = outcome(options(), script, Udp::default());
    assert!(
        matches!(outcome, Err(JoinError::Protocol(_))),
        "{outcome:?}"
    );
}

#[test]
fn being_sent_away_while_joining_says_why() {
    let script = Script {
        never_publishes: true,
        ..Script::default()
    };
    let mut world = World::new(options(), script, Udp::default());
    world.run_for(ms(100));
    world.say(leave(
        DisconnectReason::RoomDeleted,
        proto::leave_request::Action::Disconnect,
    ));
    world.run_until(|world| world.joined.is_some());
    let expected = JoinError::Disconnected(DisconnectReason::RoomDeleted);
    assert_eq!(world.joined.unwrap().1, Err(expected));
}

#[test]
fn being_sent_away_later_ends_the_session() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.say(leave(
        DisconnectReason::DuplicateIdentity,
        proto::leave_request::Action::Disconnect,
    ));
    world.run_until(|world| world.ended.is_some());
    assert_eq!(world.ended, Some(DisconnectReason::DuplicateIdentity));
    assert_eq!(world.tokens.len(), 1, "it does not come back");
}

#[test]
fn leaving_tells_the_server_and_fails_what_waits() {
    let script = Script {
        never_answers_metadata: true,
        ..Script::default()
    };
    let mut world = World::joined(script, Udp::default());
    let mut waiting = world.ask(Command::SetAttributes([("a".into(), "1".into())].into()));
    let mut left = world.ask(Command::Leave(DisconnectReason::AgentError));
    assert_eq!(left.try_recv(), Ok(Ok(())));
    assert_eq!(
        waiting.try_recv(),
        Ok(Err(crate::CommandError::Disconnected))
    );
    assert_eq!(world.ended, Some(DisconnectReason::AgentError));
    world.run_for(ms(50));
    let said = world.server().said.last().cloned();
    let Some(ToServer::Leave(leave)) = said else {
        panic!("{said:?}")
    };
    assert_eq!(leave.reason(), proto::DisconnectReason::AgentError);
}

pub(super) fn leave(reason: DisconnectReason, action: proto::leave_request::Action) -> FromServer {
    FromServer::Leave(proto::LeaveRequest {
        reason: reason.to_wire(),
        action: action.into(),
        ..Default::default()
    })
}
