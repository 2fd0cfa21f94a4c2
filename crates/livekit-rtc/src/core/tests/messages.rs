//! Messages over a network that loses them.

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;

use super::ms;
use super::server::{OTHER, Script};
use super::world::{Udp, World};
use crate::participant::Command;
use crate::{CommandError, DataOptions, DataReceived, Event};

const BAD: Udp = Udp {
    loss: 0.10,
    jitter: std::time::Duration::from_millis(30),
    seed: 0,
};

fn user_packet(payload: Vec<u8>) -> proto::DataPacket {
    proto::DataPacket {
        participant_identity: OTHER.into(),
        value: Some(Value::User(proto::UserPacket {
            payload,
            ..Default::default()
        })),
        ..Default::default()
    }
}

#[test]
fn messages_from_us_arrive_once_and_in_order_whatever_is_lost() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.udp = BAD;
    let numbers = 0..60u8;
    let mut outcomes: Vec<_> = numbers
        .clone()
        .map(|number| {
            let payload = vec![number; 3_000];
            world.ask(Command::PublishData {
                payload,
                options: DataOptions::default(),
            })
        })
        .collect();
    let count = numbers.len();
    world.run_until(|world| world.server.as_ref().unwrap().packets.len() == count);
    let received: Vec<u8> = world
        .server()
        .packets
        .iter()
        .map(|packet| match &packet.value {
            Some(Value::User(user)) => user.payload[0],
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(received, numbers.collect::<Vec<_>>());
    assert!(
        outcomes
            .iter_mut()
            .all(|outcome| outcome.try_recv() == Ok(Ok(())))
    );
}

#[test]
fn messages_to_us_arrive_once_and_in_order_whatever_is_lost() {
    let mut world = World::joined(Script::default(), Udp::default());
    world.udp = BAD;
    for number in 0..60u8 {
        let now = world.now;
        assert!(
            world
                .server()
                .send(now, &user_packet(vec![number; 1_000]).encode_to_vec())
        );
    }
    let data = |world: &World| -> Vec<u8> {
        let payloads = world.events.iter().filter_map(|(_, event)| match event {
            Event::DataReceived(DataReceived {
                sender, payload, ..
            }) => {
                assert_eq!(sender, &Some(OTHER.into()));
                Some(payload[0])
            }
            _ => None,
        });
        payloads.collect()
    };
    world.run_until(|world| data(world).len() == 60);
    assert_eq!(data(&world), (0..60u8).collect::<Vec<_>>());
}

#[test]
fn a_refused_change_of_attributes_says_so() {
    let script = Script {
        refuses_metadata: true,
        ..Script::default()
    };
    let mut world = World::joined(script, Udp::default());
    let mut outcome = world.ask(Command::SetAttributes([("a".into(), "1".into())].into()));
    world.run_for(ms(100));
    assert_eq!(
        outcome.try_recv(),
        Ok(Err(CommandError::Refused("limit_exceeded".into())))
    );
}

#[test]
fn packets_that_make_no_sense_are_ignored() {
    let mut world = World::joined(Script::default(), Udp::default());
    let now = world.now;
    assert!(world.server().send(now, b"\xff\xff\xff"));
    let nothing = proto::DataPacket {
        sequence: 1,
        ..Default::default()
    };
    assert!(world.server().send(now, &nothing.encode_to_vec()));
    let chunk = proto::data_stream::Chunk {
        stream_id: "unknown".into(),
        ..Default::default()
    };
    let chunk = proto::DataPacket {
        value: Some(Value::StreamChunk(chunk)),
        ..Default::default()
    };
    assert!(world.server().send(now, &chunk.encode_to_vec()));
    assert!(
        world
            .server()
            .send(now, &user_packet(vec![7]).encode_to_vec())
    );
    world.run_until(|world| {
        world
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::DataReceived(_)))
    });
}
