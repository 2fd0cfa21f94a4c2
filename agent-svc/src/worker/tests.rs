//! What is told to the server.

use livekit_protocol::worker_message::Message as Up;
use livekit_protocol::{WorkerMessage, WorkerStatus};
use prost::Message as _;

use super::{protocol, socket};

fn told(taken: u32, draining: bool) -> (f32, i32) {
    let bytes = protocol::encode(protocol::status(taken, 4, draining));
    match WorkerMessage::decode(&*bytes).unwrap().message {
        Some(Up::UpdateWorker(status)) => (status.load, status.status.unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_with_a_place_is_available_and_below_the_load_at_which_nobody_asks() {
    let available = WorkerStatus::WsAvailable.into();
    let full: i32 = WorkerStatus::WsFull.into();
    assert_eq!(told(0, false), (0.0, available));
    let (load, status) = told(3, false);
    assert!(load > 0.5 && load < 0.7 && status == available);
    assert_eq!(told(4, false).1, full);
    assert_eq!(told(0, true).1, full);
}

#[test]
fn workers_register_beside_the_rooms() {
    let url = |text| socket::agent_url(text).unwrap().to_string();
    assert_eq!(url("http://127.0.0.1:7880"), "ws://127.0.0.1:7880/agent");
    assert_eq!(url("wss://h/base/"), "wss://h/base/agent");
    assert!(socket::agent_url("ftp://h").is_err());
}
