//! Stopping while calls live.

use proto::insta::agent::v1 as pb;
use proto::insta::agent::v1::watch_call_response::Event;

use crate::app::TestApp;

#[tokio::test]
async fn an_instance_that_stops_ends_its_calls_and_writes_it_down() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let mut stream = app.watch("ada", &call_id).await;
    let TestApp {
        service, database, ..
    } = app;
    service.stop().await.unwrap();
    let mut last = None;
    while let Ok(Some(response)) = stream.message().await {
        last = response.event;
    }
    let Some(Event::Ended(ended)) = last else {
        panic!("the watcher is told of the end: {last:?}");
    };
    assert_eq!(ended.end_reason(), pb::EndReason::Shutdown);

    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let row: Row = diesel_async::RunQueryDsl::get_result(
        diesel::sql_query("SELECT state, end_reason FROM insta_agent.calls"),
        &mut connection,
    )
    .await
    .unwrap();
    assert_eq!(
        (row.state.as_str(), row.end_reason.as_str()),
        ("ended", "shutdown")
    );
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    state: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    end_reason: String,
}
