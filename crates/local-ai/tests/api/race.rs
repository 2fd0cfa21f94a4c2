//! The race that LiveKit's client runs at every interruption: create and cancel back to back.

use openai_realtime::{ClientEvent, ResponseCancel, ResponseStatus, ServerEvent, code};

use super::support::{Server, saying};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_then_cancel_has_one_beginning_and_one_end_each_time() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    for round in 0..1_000 {
        client.create(saying("Hi.")).await;
        client
            .send(ClientEvent::ResponseCancel(ResponseCancel::default()))
            .await;
        let ServerEvent::ResponseCreated(created) = client.next().await else {
            panic!("round {round} has no beginning")
        };
        let mut ends = 0;
        let mut refused = false;
        // Either the cancel found the response, or it came too late and was refused.
        while ends == 0 || !(refused || ends > 0) {
            match client.next().await {
                ServerEvent::ResponseDone(done) => {
                    assert_eq!(done.response.id, created.response.id, "round {round}");
                    ends += 1;
                    if done.response.status == ResponseStatus::Completed && !refused {
                        let error = client.error().await;
                        assert_eq!(
                            error.code.as_deref(),
                            Some(code::RESPONSE_CANCEL_NOT_ACTIVE)
                        );
                        refused = true;
                    }
                }
                ServerEvent::ResponseCreated(_) => panic!("round {round} begins twice"),
                ServerEvent::Error(event) => {
                    assert_eq!(
                        event.error.code.as_deref(),
                        Some(code::RESPONSE_CANCEL_NOT_ACTIVE)
                    );
                    refused = true;
                }
                _ => {}
            }
        }
    }
}
