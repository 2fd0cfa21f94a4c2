//! What the media engine does not tell about a session description: which track is on which line.

use livekit_protocol as proto;

/// A media line that carries a track to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfferedTrack {
    pub(super) mid: String,
    pub(super) track: String,
}

/// The audio tracks that an offer says it sends, with the ids the server gave them.
pub(super) fn offered_audio(offer: &proto::SessionDescription) -> Vec<OfferedTrack> {
    let mut tracks = Vec::new();
    let sections = offer.sdp.split("\nm=").skip(1);
    for section in sections.filter(|section| section.starts_with("audio ")) {
        let attribute = |name: &str| {
            let mut values = section.lines().filter_map(|line| line.strip_prefix(name));
            values.next().map(str::trim)
        };
        let sends = section
            .lines()
            .any(|line| matches!(line.trim(), "a=sendonly" | "a=sendrecv"));
        let Some(mid) = attribute("a=mid:").filter(|_| sends) else {
            continue;
        };
        // The second word of the stream id is the track's id.
        let named = attribute("a=msid:").and_then(|msid| msid.split_whitespace().nth(1));
        let mapped = offer.mid_to_track_id.get(mid).map(String::as_str);
        if let Some(track) = mapped.or(named) {
            tracks.push(OfferedTrack {
                mid: mid.into(),
                track: track.into(),
            });
        }
    }
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(sdp: &str) -> Vec<(String, String)> {
        let offer = proto::SessionDescription {
            sdp: sdp.into(),
            ..Default::default()
        };
        offered_audio(&offer)
            .into_iter()
            .map(|found| (found.mid, found.track))
            .collect()
    }

    #[test]
    fn only_audio_lines_that_send_are_tracks() {
        let sdp = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n\
            m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=sendonly\r\na=msid:PA_a|camera TR_a\r\n\
            m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=inactive\r\na=msid:PA_b|camera TR_b\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=sendrecv\r\na=msid:PA_c|camera TR_c\r\n";
        assert_eq!(tracks(sdp), [("1".to_owned(), "TR_a".to_owned())]);
    }

    #[test]
    fn the_servers_own_map_wins_over_stream_ids() {
        let offer = proto::SessionDescription {
            sdp: "v=0\nm=audio 9 X 111\na=mid:1\na=sendrecv\na=msid:PA_a cid\n".into(),
            mid_to_track_id: [("1".into(), "TR_a".into())].into(),
            ..Default::default()
        };
        assert_eq!(
            offered_audio(&offer),
            [OfferedTrack {
                mid: "1".into(),
                track: "TR_a".into()
            }]
        );
    }

    #[test]
    fn nonsense_has_no_tracks() {
        assert!(tracks("").is_empty());
        assert!(tracks("m=audio\nm=audio \na=mid:\na=sendonly").is_empty());
    }
}
