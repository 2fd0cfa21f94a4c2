//! One participant: room events, commands and sound, on one task.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::StreamExt;
use livekit::prelude::*;
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use livekit::{ByteStreamReader, StreamReader, TextStreamReader, TextStreamWriter};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::calls::Calls;
use super::{Published, RoomEvents, convert};
use crate::event::EventSender;
use crate::participant::Request;
use crate::{
    AudioHandler, ByteStreamOpened, Content, DataReceived, DisconnectReason as Reason, Event,
    FRAME_DURATION, FRAME_SAMPLES, Frame, Identity, LocalParticipant as Local, Playout, Received,
    SAMPLE_RATE, StreamClosed, StreamId, TextStreamOpened, TrackSid as Sid,
    Transcription as Transcript, TranscriptionSegment as Segment,
};

/// Frames and pieces of text on their way from their own tasks.
const NEWS_CAPACITY: usize = 256;

pub(super) struct Session {
    pub(super) room: Arc<Room>,
    pub(super) publication: Option<LocalTrackPublication>,
    source: Option<NativeAudioSource>,
    audio: Box<dyn AudioHandler>,
    events: EventSender,
    local: watch::Sender<Local>,
    news: mpsc::Sender<News>,
    news_receiver: Option<mpsc::Receiver<News>>,
    /// Open streams; the tasks that carry out commands share them.
    pub(super) writers: Arc<Mutex<HashMap<StreamId, TextStreamWriter>>>,
    pub(super) calls: Calls,
}

/// What the session's own tasks bring.
pub(super) enum News {
    Event(Event),
    Sound {
        participant: Identity,
        track: Sid,
        frame: Box<Frame>,
    },
}

impl Session {
    pub(super) fn new(
        room: Room,
        track: Option<Published>,
        audio: Box<dyn AudioHandler>,
        events: EventSender,
        local: watch::Sender<Local>,
    ) -> Self {
        let (publication, source) = track.unzip();
        let (news, news_receiver) = mpsc::channel(NEWS_CAPACITY);
        Self {
            room: Arc::new(room),
            publication,
            source,
            audio,
            events,
            local,
            news,
            news_receiver: Some(news_receiver),
            writers: Arc::default(),
            calls: Calls::default(),
        }
    }

    /// Takes calls of these methods.
    pub(super) fn serve(&self, methods: &[String]) {
        self.calls
            .serve(&self.room.local_participant(), methods, &self.news);
    }

    pub(super) async fn run(
        mut self,
        mut room_events: RoomEvents,
        mut requests: mpsc::Receiver<Request>,
    ) {
        let Some(mut news) = self.news_receiver.take() else {
            return;
        };
        let mut clock = interval(FRAME_DURATION);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let reason = loop {
            tokio::select! {
                event = room_events.recv() => match event {
                    Some(RoomEvent::Disconnected { reason }) => break Reason::from_wire(reason.into()),
                    Some(event) => self.take(event),
                    None => break Reason::UnknownReason,
                },
                Some(news) = news.recv() => self.hear(news),
                _ = clock.tick() => self.play().await,
                request = requests.recv() => match request {
                    Some(request) => self.carry_out(request),
                    None => {
                        // Nobody commands the participant any more.
                        let _ = self.room.close().await;
                        break Reason::ClientInitiated;
                    }
                },
            }
        };
        self.events.finish(reason);
    }

    async fn play(&mut self) {
        let Some(source) = &self.source else { return };
        let mut frame = [0; FRAME_SAMPLES];
        if self.audio.playout(Instant::now(), &mut frame) == Playout::Silence {
            return;
        }
        let samples = FRAME_SAMPLES as u32;
        let frame = AudioFrame {
            data: frame.as_slice().into(),
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
            samples_per_channel: samples,
        };
        // A frame that is not taken is one that is not heard; the next one tries again.
        let _ = source.capture_frame(&frame).await;
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Event(event) => self.events.send(event),
            News::Sound {
                participant,
                track,
                frame,
            } => self.audio.received(Received {
                now: Instant::now(),
                participant: &participant,
                track: &track,
                samples: &frame,
                // The crate does not say what it made up.
                content: Content::Decoded,
            }),
        }
    }

    fn take(&mut self, event: RoomEvent) {
        let told = match event {
            RoomEvent::Connected {
                participants_with_tracks,
            } => {
                for (participant, _) in participants_with_tracks {
                    let identity = convert::identity(&participant.identity());
                    let participant = convert::participant(&participant);
                    self.events.send(Event::ParticipantConnected(participant));
                    self.events.send(Event::ParticipantActive { identity });
                }
                return;
            }
            RoomEvent::ParticipantConnected(participant) => {
                Event::ParticipantConnected(convert::participant(&participant))
            }
            RoomEvent::ParticipantActive(participant) => Event::ParticipantActive {
                identity: convert::identity(&participant.identity()),
            },
            RoomEvent::ParticipantDisconnected(participant) => Event::ParticipantDisconnected {
                identity: convert::identity(&participant.identity()),
                reason: convert::reason(participant.disconnect_reason()),
            },
            RoomEvent::ParticipantAttributesChanged {
                participant,
                changed_attributes,
            } => {
                let identity = convert::identity(&participant.identity());
                Event::AttributesChanged {
                    identity,
                    changed: changed_attributes,
                }
            }
            RoomEvent::TrackSubscribed {
                track,
                publication,
                participant,
            } => {
                let RemoteTrack::Audio(audio) = track else {
                    return;
                };
                let track = convert::track(&publication, &participant);
                tokio::spawn(listen(
                    audio,
                    track.participant.clone(),
                    track.sid.clone(),
                    self.news.clone(),
                ));
                Event::TrackSubscribed(track)
            }
            RoomEvent::TrackUnsubscribed {
                publication,
                participant,
                ..
            } => Event::TrackUnsubscribed {
                participant: convert::identity(&participant.identity()),
                track: convert::track_sid(&publication.sid()),
            },
            RoomEvent::TrackMuted {
                participant,
                publication,
            } => muted(&participant, &publication, true),
            RoomEvent::TrackUnmuted {
                participant,
                publication,
            } => muted(&participant, &publication, false),
            RoomEvent::LocalTrackSubscribed { track } => Event::LocalTrackSubscribed {
                track: convert::track_sid(&track.sid()),
            },
            RoomEvent::DataReceived {
                payload,
                topic,
                participant,
                ..
            } => {
                let sender = participant.map(|sender| convert::identity(&sender.identity()));
                let payload = Arc::unwrap_or_clone(payload);
                Event::DataReceived(DataReceived {
                    sender,
                    topic,
                    payload,
                })
            }
            RoomEvent::TranscriptionReceived {
                participant,
                track_publication,
                segments,
            } => Event::Transcription(transcript(participant, track_publication, segments)),
            RoomEvent::TextStreamOpened {
                reader,
                participant_identity,
                ..
            } => {
                if let Some(reader) = reader.take() {
                    let sender = convert::identity(&participant_identity);
                    tokio::spawn(read(reader, sender, self.news.clone()));
                }
                return;
            }
            RoomEvent::ByteStreamOpened {
                reader,
                participant_identity,
                ..
            } => {
                if let Some(reader) = reader.take() {
                    let sender = convert::identity(&participant_identity);
                    tokio::spawn(read_bytes(reader, sender, self.news.clone()));
                }
                return;
            }
            RoomEvent::Reconnecting => Event::Reconnecting,
            RoomEvent::LocalTrackRepublished { publication, .. } => {
                let sid = convert::track_sid(&publication.sid());
                self.local.send_modify(|local| local.track = Some(sid));
                self.publication = Some(publication);
                return;
            }
            RoomEvent::Reconnected => Event::Reconnected {
                track: self.local.borrow().track.clone(),
            },
            _ => return,
        };
        self.events.send(told);
    }
}

fn muted(participant: &Participant, publication: &TrackPublication, muted: bool) -> Event {
    Event::TrackMuted {
        participant: convert::identity(&participant.identity()),
        track: convert::track_sid(&publication.sid()),
        muted,
    }
}

fn transcript(
    participant: Option<Participant>,
    publication: Option<TrackPublication>,
    segments: Vec<TranscriptionSegment>,
) -> Transcript {
    let segments = segments.into_iter().map(|segment| Segment {
        id: segment.id,
        text: segment.text,
        is_final: segment.r#final,
        language: segment.language,
    });
    Transcript {
        participant: participant.map_or_else(
            || "".into(),
            |speaker| convert::identity(&speaker.identity()),
        ),
        track: publication.map_or_else(|| "".into(), |track| convert::track_sid(&track.sid())),
        segments: segments.collect(),
    }
}

/// Brings a track's sound until the track or the session ends.
async fn listen(
    audio: RemoteAudioTrack,
    participant: Identity,
    track: Sid,
    news: mpsc::Sender<News>,
) {
    let mut stream = NativeAudioStream::new(audio.rtc_track(), SAMPLE_RATE as i32, 1);
    while let Some(frame) = stream.next().await {
        for samples in frame.data.chunks_exact(FRAME_SAMPLES) {
            let mut frame = Box::new([0; FRAME_SAMPLES]);
            frame.copy_from_slice(samples);
            let (participant, track) = (participant.clone(), track.clone());
            match news.try_send(News::Sound {
                participant,
                track,
                frame,
            }) {
                // A session that is behind loses sound and not time.
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }
}

/// Brings a text stream until it or the session ends.
async fn read(mut reader: TextStreamReader, sender: Identity, news: mpsc::Sender<News>) {
    let info = reader.info().clone();
    let id = StreamId::from(&*info.id);
    let opened = TextStreamOpened {
        id: id.clone(),
        topic: info.topic.clone(),
        sender,
        attributes: info.attributes(),
        timestamp_ms: info.timestamp.timestamp_millis(),
    };
    let mut told = news
        .send(News::Event(Event::TextStreamOpened(opened)))
        .await;
    let mut complete = true;
    while told.is_ok()
        && let Some(piece) = reader.next().await
    {
        let Ok(text) = piece else {
            complete = false;
            break;
        };
        told = news
            .send(News::Event(Event::TextStreamChunk {
                id: id.clone(),
                text,
            }))
            .await;
    }
    let closed = StreamClosed {
        id,
        attributes: info.attributes(),
        complete,
    };
    // The session may have ended, and with it everybody who would want to know.
    let _ = news
        .send(News::Event(Event::TextStreamClosed(closed)))
        .await;
}

/// The same of bytes.
async fn read_bytes(mut reader: ByteStreamReader, sender: Identity, news: mpsc::Sender<News>) {
    let info = reader.info().clone();
    let id = StreamId::from(&*info.id);
    let opened = ByteStreamOpened {
        id: id.clone(),
        topic: info.topic.clone(),
        sender,
        name: info.name.clone(),
        mime_type: info.mime_type.clone(),
        attributes: info.attributes(),
        total_bytes: info.total_length,
        timestamp_ms: info.timestamp.timestamp_millis(),
    };
    let opened = News::Event(Event::ByteStreamOpened(opened));
    let mut told = news.send(opened).await;
    let mut complete = true;
    while told.is_ok()
        && let Some(piece) = reader.next().await
    {
        let Ok(content) = piece else {
            complete = false;
            break;
        };
        let (id, content) = (id.clone(), content.to_vec());
        let chunk = Event::ByteStreamChunk { id, content };
        told = news.send(News::Event(chunk)).await;
    }
    let closed = StreamClosed {
        id,
        attributes: info.attributes(),
        complete,
    };
    // The session may have ended, and with it everybody who would want to know.
    let _ = news
        .send(News::Event(Event::ByteStreamClosed(closed)))
        .await;
}
