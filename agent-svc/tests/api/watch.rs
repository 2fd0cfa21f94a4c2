//! WatchCall.

use proto::insta::agent::v1 as pb;
use proto::insta::agent::v1::watch_call_response::Event;

use crate::app::{TestApp, until_end};

#[tokio::test]
async fn a_watcher_sees_where_the_call_stands_and_how_it_ends() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let mut stream = app.watch("ada", &call_id).await;
    let first = stream.message().await.unwrap().unwrap();
    let Some(Event::StateChanged(state)) = first.event else {
        panic!("the state comes first: {first:?}");
    };
    assert_eq!(state.call_state(), pb::CallState::Connecting);
    assert_eq!(state.agent_state(), pb::AgentState::Initializing);
    app.end(app.operator(pb::EndCallRequest {
        call_id: call_id.clone(),
    }))
    .await;
    let events = until_end(stream).await;
    let Some(Event::Ended(ended)) = events.last() else {
        panic!("the end comes last: {events:?}");
    };
    assert_eq!(ended.end_reason(), pb::EndReason::Operator);

    // Whoever comes later is told the same.
    app.ended(&call_id).await;
    let events = until_end(app.watch("ada", &call_id).await).await;
    let Some((Event::StateChanged(state), [.., Event::Ended(ended)])) = events.split_first() else {
        panic!("a call that is over is told from its state to its end: {events:?}");
    };
    assert_eq!(state.call_state(), pb::CallState::Ended);
    assert_eq!(ended.end_reason(), pb::EndReason::Operator);
}

#[tokio::test]
async fn a_stranger_watches_nothing() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let request = app.user("eve", pb::WatchCallRequest { call_id });
    let error = app.client().watch_call(request).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}
