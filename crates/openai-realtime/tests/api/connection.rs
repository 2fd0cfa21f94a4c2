//! The client against a real socket whose other end is scripted.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use openai_realtime::client::{Closed, ConnectError, Connection, Options, SendError, connect};
use openai_realtime::{ClientEvent, InputAudioBufferAppend, NoFields, ServerEvent};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

type Peer = WebSocketStream<TcpStream>;

/// A listener and the options that lead to it, with times short enough for a test.
async fn listener() -> (TcpListener, Options) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut options = Options::new(format!("http://{address}/v1"), SecretString::from("key-1"));
    options.model = Some("m".to_owned());
    options.ping_interval = Duration::from_millis(20);
    (listener, options)
}

/// A client and the server's end of its socket.
async fn pair(adjust: impl FnOnce(&mut Options)) -> (Connection, Peer) {
    let (listener, mut options) = listener().await;
    adjust(&mut options);
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    };
    let (client, peer) = tokio::join!(connect(&options), accept);
    (client.unwrap(), peer)
}

/// Answers the next upgrade with these bytes.
async fn refuse_with(answer: String) -> ConnectError {
    let (listener, options) = listener().await;
    let refuse = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    tokio::join!(connect(&options), refuse).0.unwrap_err()
}

async fn next_text(peer: &mut Peer) -> String {
    loop {
        match peer.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_upgrade_carries_path_model_and_key() {
    let (listener, options) = listener().await;
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut seen = None;
        #[expect(
            clippy::result_large_err,
            reason = "the callback's type is tungstenite's"
        )]
        let callback = |request: &Request, response: Response| {
            let key = request.headers()["authorization"]
                .to_str()
                .unwrap()
                .to_owned();
            seen = Some((request.uri().to_string(), key));
            Ok(response)
        };
        let peer = tokio_tungstenite::accept_hdr_async(stream, callback)
            .await
            .unwrap();
        (peer, seen.unwrap())
    };
    let (client, (_peer, (uri, key))) = tokio::join!(connect(&options), accept);
    client.unwrap();
    assert_eq!(uri, "/v1/realtime?model=m");
    assert_eq!(key, "Bearer key-1");
}

#[tokio::test]
async fn events_go_both_ways_and_unknown_ones_do_no_harm() {
    let (mut client, mut peer) = pair(|_| {}).await;
    client
        .send(ClientEvent::InputAudioBufferCommit(NoFields {}))
        .await
        .unwrap();
    assert_eq!(
        next_text(&mut peer).await,
        r#"{"type":"input_audio_buffer.commit"}"#
    );
    for frame in [
        r#"{"type":"input_audio_buffer.cleared","event_id":"e"}"#,
        r#"{"type":"brand.new","event_id":"e"}"#,
        r#"{"type":"response.done","event_id":"e"}"#,
        "no event",
    ] {
        peer.send(Message::text(frame)).await.unwrap();
    }
    assert_eq!(
        client.recv().await,
        Ok(ServerEvent::InputAudioBufferCleared(NoFields {}))
    );
    assert_eq!(
        client.recv().await,
        Ok(ServerEvent::Unknown("brand.new".into()))
    );
    // A known event that cannot be read: the conversation may survive it.
    assert_eq!(
        client.recv().await,
        Ok(ServerEvent::Unknown("response.done".into()))
    );
    // Nor does a frame that is none end it.
    assert_eq!(client.recv().await, Ok(ServerEvent::Unknown(String::new())));
}

#[tokio::test]
async fn the_servers_close_code_decides_about_a_retry() {
    for (code, reason, retryable, limit) in [
        (
            1001,
            "Your session hit the maximum duration of 60 minutes.",
            true,
            true,
        ),
        (1011, "internal", true, false),
        (4000, "beta_api_shape_disabled", false, false),
        (1008, "policy", false, false),
    ] {
        let (mut client, mut peer) = pair(|_| {}).await;
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        peer.close(Some(frame)).await.unwrap();
        let closed = client.recv().await.unwrap_err();
        assert_eq!(
            closed,
            Closed::Remote {
                code,
                reason: reason.to_owned()
            }
        );
        assert_eq!(
            (closed.is_retryable(), closed.is_session_limit()),
            (retryable, limit)
        );
        assert_eq!(client.recv().await, Err(closed), "the end stays known");
        assert_eq!(
            client
                .send(ClientEvent::InputAudioBufferClear(NoFields {}))
                .await,
            Err(SendError::Closed)
        );
    }
}

#[tokio::test]
async fn a_lost_socket_and_a_protocol_violation_are_told_apart() {
    let (mut client, peer) = pair(|_| {}).await;
    drop(peer);
    let closed = client.recv().await.unwrap_err();
    assert!(
        matches!(closed, Closed::Lost(_)) && closed.is_retryable(),
        "{closed:?}"
    );

    let (mut client, mut peer) = pair(|_| {}).await;
    // Reserved bits are set.
    peer.get_mut().write_all(&[0xff, 0x00]).await.unwrap();
    let closed = client.recv().await.unwrap_err();
    assert!(
        matches!(closed, Closed::Protocol(_)) && closed.is_retryable(),
        "{closed:?}"
    );
}

#[tokio::test]
async fn a_server_that_answers_pings_stays_and_a_silent_one_is_left() {
    let short = |options: &mut Options| options.silence_timeout = Duration::from_millis(120);
    let (mut client, mut peer) = pair(short).await;
    // Reading answers the pings; twelve of them take longer than the silence timeout.
    for _ in 0..12 {
        assert!(matches!(
            peer.next().await.unwrap().unwrap(),
            Message::Ping(_)
        ));
    }
    peer.send(Message::text(r#"{"type":"input_audio_buffer.cleared"}"#))
        .await
        .unwrap();
    assert!(client.recv().await.is_ok());
    // From here nobody reads the peer's socket.
    let closed = client.recv().await.unwrap_err();
    assert_eq!(closed, Closed::Silent(Duration::from_millis(120)));
}

#[tokio::test]
async fn a_peer_that_does_not_read_stalls_the_sender_and_not_for_ever() {
    let (mut client, _peer) = pair(|options| {
        options.outgoing_capacity = 1;
        options.write_timeout = Duration::from_millis(200);
    })
    .await;
    let append = ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend {
        audio: "A".repeat(4 * 1024 * 1024),
    });
    let failed = loop {
        if let Err(error) = client.send(append.clone()).await {
            break error;
        }
    };
    assert!(
        matches!(failed, SendError::Stalled | SendError::Closed),
        "{failed:?}"
    );
    assert!(matches!(client.recv().await, Err(Closed::Lost(_))));
}

#[tokio::test]
async fn dropping_either_half_closes_the_socket() {
    let (client, mut peer) = pair(|_| {}).await;
    let (sender, receiver) = client.split();
    drop(receiver);
    while !matches!(peer.next().await, Some(Ok(Message::Close(_))) | None) {}
    // The writer may take a moment to drop its end of the queue.
    while sender
        .send(ClientEvent::InputAudioBufferClear(NoFields {}))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }

    let (client, mut peer) = pair(|_| {}).await;
    let (sender, mut receiver) = client.split();
    drop(sender);
    while !matches!(peer.next().await, Some(Ok(Message::Close(_))) | None) {}
    assert_eq!(receiver.recv().await, Err(Closed::Local));
}

#[tokio::test]
async fn a_refusal_tells_why_and_whether_to_try_again() {
    let body = r#"{"error":{"type":"invalid_request_error","code":"invalid_api_key","message":"Wrong key."}}"#;
    let length = body.len();
    let error = refuse_with(format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
    .await;
    let ConnectError::Refused {
        status: 401,
        error: detail,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(detail.code.as_deref(), Some("invalid_api_key"));
    assert!(!error.is_retryable() && !error.to_string().contains("key-1"));

    let error =
        refuse_with("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned())
            .await;
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn no_listener_and_no_answer_are_retryable() {
    let (listener, mut options) = listener().await;
    options.connect_timeout = Duration::from_millis(50);
    // The listener accepts in the kernel and never answers the upgrade.
    let error = connect(&options).await.unwrap_err();
    assert_eq!(error, ConnectError::Timeout(Duration::from_millis(50)));
    drop(listener);
    let error = connect(&options).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Transport(_)) && error.is_retryable(),
        "{error:?}"
    );
}
