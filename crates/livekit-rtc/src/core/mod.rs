//! A participant as a state machine: no sockets, no clock, no tasks.
//!
//! Datagrams, signalling messages, commands and time go in through [`Session::handle`]; what is
//! to be sent and told comes out of [`Session::poll`], to be called until it has nothing more;
//! [`Session::next_deadline`] says when time itself is the next input. Sound does not take that
//! way: the [`crate::AudioHandler`] is called in place.

mod commands;
mod connection;
mod incoming;
mod link;
mod losing;
mod media;
mod outbox;
mod outgoing;
mod peer;
mod resuming;
mod roster;
mod rpc;
mod sdp;
mod session;
mod signalling;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use livekit_protocol as proto;
use secrecy::SecretString;

pub(crate) use link::Sockets;
pub(crate) use peer::Role;
pub(crate) use rpc::RpcAnswer;
pub(crate) use session::{Session, SessionConfig};

use crate::participant::Request;
use crate::{DisconnectReason, Event, JoinError, LocalParticipant};

/// What happens to a participant.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// The signalling connection asked for by [`Output::Dial`] is open, and so are two sockets. Of
    /// one asked for by [`Output::Redial`] the server's word is enough.
    Opened(Sockets),
    /// It could not be opened.
    DialFailed(JoinError),
    /// The server said something.
    Signal(Box<proto::signal_response::Message>),
    /// The signalling connection is gone.
    HungUp,
    /// A datagram came.
    Datagram {
        role: Role,
        from: SocketAddr,
        bytes: &'a [u8],
    },
    /// Somebody wants something done.
    Request(Request),
    /// The participant is to leave.
    Leave(DisconnectReason),
    /// Time has passed.
    Timeout,
}

/// What a participant wants done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Open a signalling connection and two sockets, in place of those there may be.
    Dial(SecretString),
    /// Open another signalling connection for the same stay, in place of the one there may be. The
    /// sockets stay.
    Redial { token: SecretString, sid: String },
    /// Tell the server.
    Signal(Box<proto::signal_request::Message>),
    /// Close the signalling connection, after what was said, and the sockets.
    HangUp,
    /// Send a datagram.
    Transmit {
        role: Role,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// Tell the application.
    Event(Event),
    /// What the server calls us has changed.
    Local(LocalParticipant),
    /// Joining has come to its end. If it failed, this is the last output.
    Joined(Result<(), JoinError>),
    /// The participant is out of the room. The last output.
    Ended(DisconnectReason),
}
