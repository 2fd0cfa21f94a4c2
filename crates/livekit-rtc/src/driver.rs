//! Drives one participant: carries out what its state machine asks, on real sockets.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::shard::Place;
use crate::{AudioHandler, Events, JoinError, JoinOptions, Participant, ShardConfig};

/// A participant to be.
pub(crate) struct JoinRequest {
    pub(crate) options: JoinOptions,
    pub(crate) audio: Box<dyn AudioHandler>,
    pub(crate) place: Place,
    pub(crate) reply: oneshot::Sender<Result<(Participant, Events), JoinError>>,
}

/// Lives as long as the participant does.
pub(crate) async fn drive(_: Arc<ShardConfig>, request: JoinRequest, _: watch::Receiver<bool>) {
    let _ = request
        .reply
        .send(Err(JoinError::Local("media is not built in yet".into())));
}
