//! Requests as types, and the rules of ID tokens. Nothing here waits.

pub(crate) mod credentials;
pub(crate) mod delegation;
pub(crate) mod id_token;
pub(crate) mod livekit_grant;
