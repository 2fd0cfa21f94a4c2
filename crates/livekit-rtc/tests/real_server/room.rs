//! Participants under test, and waiting for what happens to them.

use std::time::Duration;

use livekit_rtc::{
    Event, Events, JoinError, JoinOptions, Participant, Shard, ShardConfig, TrackOptions,
};
use secrecy::SecretString;
use test_kit::LivekitServer;

use crate::sound::{Ear, Tone};

/// How long anything that is waited for may take.
pub const LIMIT: Duration = Duration::from_secs(20);

pub struct Member {
    pub participant: Participant,
    pub events: Events,
    pub ear: Ear,
}

pub fn shard() -> Shard {
    Shard::spawn(ShardConfig::default()).expect("the system has threads")
}

pub fn options(server: &LivekitServer, token: SecretString) -> JoinOptions {
    JoinOptions::new(server.url(), token).publishing(TrackOptions::speech("voice"))
}

/// Joins with a voice of this pitch.
pub async fn join(shard: &Shard, options: JoinOptions, hertz: f64) -> Result<Member, JoinError> {
    let (tone, ear) = Tone::new(hertz);
    let (participant, events) = shard.join(options, tone).await?;
    Ok(Member {
        participant,
        events,
        ear,
    })
}

impl Member {
    /// Waits for an event of which `pick` makes something; others are passed over.
    pub async fn wait_for<T>(&mut self, what: &str, pick: impl FnMut(Event) -> Option<T>) -> T {
        let mut pick = pick;
        let mut passed = Vec::new();
        let search = async {
            while let Some(event) = self.events.recv().await {
                passed.push(format!("{event:?}"));
                if let Some(found) = pick(event) {
                    return Some(found);
                }
            }
            None
        };
        match tokio::time::timeout(LIMIT, search).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the events ended before {what}; there were {passed:#?}"),
            Err(_) => panic!("{what} did not come in time; there were {passed:#?}"),
        }
    }
}
