//! LiveKit's own Rust client behind the same seam.
//!
//! For those who can link libwebrtc, which brings TURN and single peer connections; it costs a
//! thread and several megabytes a participant. In this project it is type-checked and not run.

mod calls;
mod commands;
mod convert;
mod session;

use livekit::options::TrackPublishOptions;
use livekit::prelude::*;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::prelude::{AudioSourceOptions, RtcAudioSource};
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, watch};

use self::session::Session;
use crate::event::EventSender;
use crate::participant::COMMAND_CAPACITY;
use crate::{
    AudioHandler, Connector, Events, JoinError, JoinOptions, JoinStage, Joining,
    LocalParticipant as Local, Participant, SAMPLE_RATE, TrackOptions,
};

/// Joins rooms with LiveKit's client, each on a task of the caller's tokio runtime.
///
/// Bit rate is honoured, other [`TrackOptions`] and the reconnect limits are libwebrtc's own, and
/// statistics are not told.
#[derive(Debug, Clone, Copy, Default)]
pub struct LivekitCrate;

impl Connector for LivekitCrate {
    fn join(&self, options: JoinOptions, audio: Box<dyn AudioHandler>) -> Joining<'_> {
        Box::pin(join(options, audio))
    }
}

async fn join(
    options: JoinOptions,
    audio: Box<dyn AudioHandler>,
) -> Result<(Participant, Events), JoinError> {
    let limit = options.timeout;
    let connecting = tokio::time::timeout(limit, connect(&options));
    let timeout = |_| JoinError::Timeout {
        limit,
        stage: JoinStage::Media,
    };
    let (room, room_events, track) = connecting.await.map_err(timeout)??;

    let me = room.local_participant();
    let local = Local {
        identity: me.identity().as_str().into(),
        sid: me.sid().to_string(),
        room: room.name(),
        track: track
            .as_ref()
            .map(|(publication, _)| convert::track_sid(&publication.sid())),
    };
    let (local, local_receiver) = watch::channel(local);
    let (requests, request_receiver) = mpsc::channel(COMMAND_CAPACITY);
    let (event_sender, events) = EventSender::new(options.event_capacity);
    let session = Session::new(room, track, audio, event_sender, local);
    session.serve(&options.rpc_methods);
    tokio::spawn(session.run(room_events, request_receiver));
    Ok((
        Participant::new(requests, local_receiver, options.command_timeout),
        events,
    ))
}

type Published = (LocalTrackPublication, NativeAudioSource);
type RoomEvents = mpsc::UnboundedReceiver<RoomEvent>;

async fn connect(
    options: &JoinOptions,
) -> Result<(Room, RoomEvents, Option<Published>), JoinError> {
    let mut room_options = RoomOptions::default();
    room_options.auto_subscribe = options.auto_subscribe;
    room_options.connect_timeout = options.timeout;
    let token = options.token.expose_secret();
    let (room, events) = Room::connect(&options.url, token, room_options)
        .await
        .map_err(|error| convert::join_error(&error))?;
    let me = room.local_participant();
    if !options.attributes.is_empty() {
        let set = me.set_attributes(options.attributes.clone()).await;
        set.map_err(|error| convert::join_error(&error))?;
    }
    let track = match &options.publish {
        Some(track) => Some(publish(&me, track).await?),
        None => None,
    };
    Ok((room, events, track))
}

async fn publish(me: &LocalParticipant, options: &TrackOptions) -> Result<Published, JoinError> {
    // Without a queue of its own the source takes 10 ms frames at our pace.
    let source = NativeAudioSource::new(AudioSourceOptions::default(), SAMPLE_RATE, 1, 0);
    let rtc_source = RtcAudioSource::Native(source.clone());
    let track = LocalAudioTrack::create_audio_track(&options.name, rtc_source);
    let publish_options = TrackPublishOptions {
        source: TrackSource::Microphone,
        audio_encoding: Some(livekit::options::AudioEncoding {
            max_bitrate: u64::from(options.bitrate),
        }),
        ..TrackPublishOptions::default()
    };
    let published = me
        .publish_track(LocalTrack::Audio(track), publish_options)
        .await;
    Ok((
        published.map_err(|error| convert::join_error(&error))?,
        source,
    ))
}
