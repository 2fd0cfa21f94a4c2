//! Who is in the room, mirrored from the server's updates; differences become events.

use std::collections::HashMap;

use livekit_protocol as proto;
use proto::participant_info::{Kind, State};

use crate::{
    Attributes, DisconnectReason, Event, Identity, ParticipantKind, RemoteParticipant, RemoteTrack,
    TrackSource,
};

/// Everybody but us.
#[derive(Debug, Default)]
pub(super) struct Roster {
    people: HashMap<Identity, Person>,
}

#[derive(Debug)]
struct Person {
    participant: RemoteParticipant,
    is_active: bool,
    version: u32,
    tracks: Vec<RemoteTrack>,
}

impl Roster {
    /// Takes over who is there at the time of joining, anew or again.
    pub(super) fn reset(
        &mut self,
        now_there: Vec<proto::ParticipantInfo>,
        events: &mut Vec<Event>,
    ) {
        let gone: Vec<Identity> = self
            .people
            .keys()
            .filter(|identity| {
                !now_there
                    .iter()
                    .any(|info| info.identity == identity.as_str())
            })
            .cloned()
            .collect();
        for identity in gone {
            self.people.remove(&identity);
            let reason = DisconnectReason::UnknownReason;
            events.push(Event::ParticipantDisconnected { identity, reason });
        }
        for info in now_there {
            // The numbering of versions may start again with a restarted server.
            if let Some(person) = self.people.get_mut(&Identity::from(&*info.identity)) {
                person.version = 0;
            }
            self.update(info, events);
        }
    }

    /// Takes over what is new about one participant.
    pub(super) fn update(&mut self, info: proto::ParticipantInfo, events: &mut Vec<Event>) {
        let identity = Identity::from(&*info.identity);
        if info.state() == State::Disconnected {
            let known = self.people.get(&identity);
            if known.is_some_and(|person| person.participant.sid == info.sid) {
                self.people.remove(&identity);
                let reason = DisconnectReason::from_wire(info.disconnect_reason);
                events.push(Event::ParticipantDisconnected { identity, reason });
            }
            return;
        }
        match self.people.get_mut(&identity) {
            Some(person) if person.participant.sid == info.sid => {
                if info.version >= person.version {
                    person.refresh(info, events);
                }
            }
            Some(_) => {
                // The same identity in a new stay; the end of the old one was not told.
                self.people.remove(&identity);
                let reason = DisconnectReason::DuplicateIdentity;
                events.push(Event::ParticipantDisconnected { identity, reason });
                self.insert(info, events);
            }
            None => self.insert(info, events),
        }
    }

    fn insert(&mut self, info: proto::ParticipantInfo, events: &mut Vec<Event>) {
        let is_active = info.state() == State::Active;
        let person = Person {
            is_active,
            tracks: audio_tracks(&info),
            version: info.version,
            participant: participant(info),
        };
        let identity = person.participant.identity.clone();
        events.push(Event::ParticipantConnected(person.participant.clone()));
        if is_active {
            events.push(Event::ParticipantActive {
                identity: identity.clone(),
            });
        }
        self.people.insert(identity, person);
    }

    pub(super) fn contains(&self, identity: &Identity) -> bool {
        self.people.contains_key(identity)
    }

    /// The audio track with this id.
    pub(super) fn track(&self, sid: &str) -> Option<&RemoteTrack> {
        let mut tracks = self.people.values().flat_map(|person| &person.tracks);
        tracks.find(|track| track.sid.as_str() == sid)
    }
}

impl Person {
    fn refresh(&mut self, info: proto::ParticipantInfo, events: &mut Vec<Event>) {
        self.version = info.version;
        if info.state() == State::Active && !self.is_active {
            self.is_active = true;
            let identity = self.participant.identity.clone();
            events.push(Event::ParticipantActive { identity });
        }
        let tracks = audio_tracks(&info);
        for track in &tracks {
            let before = self.tracks.iter().find(|before| before.sid == track.sid);
            if before.is_some_and(|before| before.muted != track.muted) {
                events.push(Event::TrackMuted {
                    participant: track.participant.clone(),
                    track: track.sid.clone(),
                    muted: track.muted,
                });
            }
        }
        self.tracks = tracks;
        let participant = participant(info);
        let changed = changes(&self.participant.attributes, &participant.attributes);
        self.participant = participant;
        if !changed.is_empty() {
            let identity = self.participant.identity.clone();
            events.push(Event::AttributesChanged { identity, changed });
        }
    }
}

/// What is new, different, or (with an empty value) gone.
pub(super) fn changes(before: &Attributes, after: &Attributes) -> Attributes {
    let set = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value));
    let mut changed: Attributes = set
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    changed.extend(removed.map(|key| (key.clone(), String::new())));
    changed
}

fn participant(info: proto::ParticipantInfo) -> RemoteParticipant {
    RemoteParticipant {
        kind: match info.kind() {
            Kind::Standard => ParticipantKind::Standard,
            Kind::Ingress => ParticipantKind::Ingress,
            Kind::Egress => ParticipantKind::Egress,
            Kind::Sip => ParticipantKind::Sip,
            Kind::Agent => ParticipantKind::Agent,
            Kind::Connector => ParticipantKind::Connector,
            Kind::Bridge => ParticipantKind::Other,
        },
        identity: info.identity.into(),
        sid: info.sid,
        name: info.name,
        metadata: info.metadata,
        attributes: info.attributes,
    }
}

fn audio_tracks(info: &proto::ParticipantInfo) -> Vec<RemoteTrack> {
    let audio = info
        .tracks
        .iter()
        .filter(|track| track.r#type() == proto::TrackType::Audio);
    let tracks = audio.map(|track| RemoteTrack {
        participant: Identity::from(&*info.identity),
        sid: (&*track.sid).into(),
        name: track.name.clone(),
        source: match track.source() {
            proto::TrackSource::Microphone => TrackSource::Microphone,
            proto::TrackSource::ScreenShareAudio => TrackSource::ScreenShareAudio,
            _ => TrackSource::Other,
        },
        muted: track.muted,
        has_preconnect_buffer: track
            .audio_features()
            .any(|feature| feature == proto::AudioTrackFeature::TfPreconnectBuffer),
    });
    tracks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(identity: &str, sid: &str, version: u32) -> proto::ParticipantInfo {
        proto::ParticipantInfo {
            identity: identity.into(),
            sid: sid.into(),
            version,
            state: State::Active.into(),
            ..Default::default()
        }
    }

    fn update(roster: &mut Roster, info: proto::ParticipantInfo) -> Vec<Event> {
        let mut events = Vec::new();
        roster.update(info, &mut events);
        events
    }

    #[test]
    fn attributes_that_change_are_told_apart_from_those_that_stay() {
        let mut roster = Roster::default();
        let mut first = info("a", "PA_1", 1);
        first.attributes = [("stay".into(), "1".into()), ("go".into(), "1".into())].into();
        update(&mut roster, first);
        let mut second = info("a", "PA_1", 2);
        second.attributes = [("stay".into(), "1".into()), ("come".into(), "2".into())].into();
        let changed = [
            ("come".to_owned(), "2".to_owned()),
            ("go".to_owned(), String::new()),
        ];
        assert_eq!(
            update(&mut roster, second),
            [Event::AttributesChanged {
                identity: "a".into(),
                changed: changed.into()
            }]
        );
    }

    #[test]
    fn an_older_update_is_ignored() {
        let mut roster = Roster::default();
        update(&mut roster, info("a", "PA_1", 5));
        let mut old = info("a", "PA_1", 4);
        old.attributes = [("late".into(), "1".into())].into();
        assert_eq!(update(&mut roster, old), []);
    }

    #[test]
    fn the_end_of_an_earlier_stay_does_not_end_the_present_one() {
        let mut roster = Roster::default();
        update(&mut roster, info("a", "PA_1", 1));
        let events = update(&mut roster, info("a", "PA_2", 1));
        assert!(matches!(
            &events[..],
            [
                Event::ParticipantDisconnected { .. },
                Event::ParticipantConnected(_),
                Event::ParticipantActive { .. }
            ]
        ));
        let mut end = info("a", "PA_1", 2);
        end.state = State::Disconnected.into();
        assert_eq!(update(&mut roster, end), []);
    }

    #[test]
    fn joining_again_tells_only_who_came_and_went() {
        let mut roster = Roster::default();
        update(&mut roster, info("stays", "PA_1", 7));
        update(&mut roster, info("goes", "PA_2", 7));
        let mut events = Vec::new();
        roster.reset(
            vec![info("stays", "PA_1", 1), info("comes", "PA_3", 1)],
            &mut events,
        );
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::ParticipantConnected(other) => Some(("+", other.identity.as_str())),
                Event::ParticipantDisconnected { identity, .. } => Some(("-", identity.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(told, [("-", "goes"), ("+", "comes")]);
    }
}
