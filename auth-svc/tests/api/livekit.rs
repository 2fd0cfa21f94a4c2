//! LiveKit's RoomService, as far as auth-svc asks it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use http::Uri;
use livekit_api::access_token::TokenVerifier;
use livekit_protocol::{ParticipantInfo, RoomParticipantIdentity};
use prost::Message;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::app::{API_KEY, API_SECRET};

type Participants = HashMap<(String, String), ParticipantInfo>;

/// A LiveKit server with people in its rooms.
pub(crate) struct FakeLivekit {
    pub(crate) url: Uri,
    participants: Arc<Mutex<Participants>>,
    task: JoinHandle<()>,
}

impl FakeLivekit {
    pub(crate) async fn start() -> Self {
        let participants: Arc<Mutex<Participants>> = Arc::default();
        let shared = participants.clone();
        let get = post(async move |headers: HeaderMap, body: Bytes| {
            get_participant(&shared.lock().unwrap(), &headers, &body)
        });
        let path = "/twirp/livekit.RoomService/GetParticipant";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Settings name LiveKit by its WebSocket address.
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let app = Router::new().route(path, get);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url: url.parse().unwrap(),
            participants,
            task,
        }
    }

    /// Lets someone be in a room.
    pub(crate) fn add(&self, room: &str, participant: ParticipantInfo) {
        let key = (room.into(), participant.identity.clone());
        self.participants.lock().unwrap().insert(key, participant);
    }
}

impl Drop for FakeLivekit {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn get_participant(participants: &Participants, headers: &HeaderMap, body: &Bytes) -> Response {
    let asked = RoomParticipantIdentity::decode(body.clone()).unwrap();
    let token = headers["authorization"].to_str().unwrap();
    let token = token.strip_prefix("Bearer ").unwrap();
    let claims = TokenVerifier::with_api_key(API_KEY, API_SECRET).verify(token);
    if !claims.is_ok_and(|claims| claims.video.room_admin && claims.video.room == asked.room) {
        let error = json!({"code": "permission_denied", "msg": "no admin of this room"});
        return (StatusCode::FORBIDDEN, error.to_string()).into_response();
    }
    match participants.get(&(asked.room, asked.identity)) {
        Some(participant) => participant.encode_to_vec().into_response(),
        None => {
            let error = json!({"code": "not_found", "msg": "participant does not exist"});
            (StatusCode::NOT_FOUND, error.to_string()).into_response()
        }
    }
}
