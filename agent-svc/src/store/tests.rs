//! Queries against a real PostgreSQL.

use chrono::{DateTime, TimeDelta, Utc};
use service_kit::page::Page;
use service_kit::{CallId, UserId};
use test_kit::TestDatabase;

use super::{calls, summaries, turns};
use crate::domain::{EndReason, Role};
use crate::provider::{Bill, Tokens, Usage};
use crate::record::{HandOver, Latency, State, StoredStatus, ToolCall, Turn};

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn new(user: &str, at: i64) -> calls::NewCall {
    calls::NewCall {
        id: CallId::generate(),
        user: user.parse::<UserId>().unwrap(),
        room: format!("room-{at}"),
        instance: "127.0.0.1:1".into(),
        lease_time: time(at + 90),
        create_time: time(at),
        prompt_version: "built-in-3".into(),
    }
}

#[tokio::test]
async fn a_user_holds_one_call_and_the_older_one_ends_for_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let (first, second, other) = (new("ada", 0), new("ada", 10), new("bob", 0));
    assert_eq!(calls::begin(&mut connection, &first).await.unwrap(), None);
    assert_eq!(calls::begin(&mut connection, &other).await.unwrap(), None);
    let older = calls::begin(&mut connection, &second).await.unwrap();
    assert_eq!(older, Some(first.id));
    let call = calls::find(&mut connection, first.id)
        .await
        .unwrap()
        .unwrap();
    let reason = EndReason::UserRequest;
    assert_eq!(
        call.state,
        State::Ended {
            reason,
            time: time(10)
        }
    );
    let call = calls::find(&mut connection, other.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(call.state, State::Connecting);
}

#[tokio::test]
async fn of_two_calls_begun_at_once_one_is_left() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let begin = |call| async {
        let call = call;
        let mut connection = pool.get().await.unwrap();
        calls::begin(&mut connection, &call).await.unwrap()
    };
    let outcomes = tokio::join!(begin(new("ada", 0)), begin(new("ada", 1)));
    assert_eq!(outcomes.0.is_some() as u8 + outcomes.1.is_some() as u8, 1);
}

#[tokio::test]
async fn a_call_ends_once_and_its_summary_is_ordered_with_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let call = new("ada", 0);
    calls::begin(&mut connection, &call).await.unwrap();
    calls::activate(&mut connection, call.id).await.unwrap();
    let ended = calls::end(&mut connection, call.id, EndReason::Silence, time(60)).await;
    assert!(ended.unwrap());
    let again = calls::end(&mut connection, call.id, EndReason::Operator, time(70)).await;
    assert!(!again.unwrap());

    let lease = TimeDelta::seconds(60);
    let job = summaries::take(&mut connection, time(61), lease)
        .await
        .unwrap();
    assert_eq!(
        job,
        Some(summaries::Job {
            call: call.id,
            attempts: 1
        })
    );
    assert_eq!(
        summaries::take(&mut connection, time(62), lease)
            .await
            .unwrap(),
        None
    );
    let job = summaries::take(&mut connection, time(121), lease)
        .await
        .unwrap();
    assert_eq!(
        job,
        Some(summaries::Job {
            call: call.id,
            attempts: 2
        })
    );
    summaries::keep(&mut connection, call.id, "A summary.")
        .await
        .unwrap();
    summaries::done(&mut connection, call.id).await.unwrap();
    assert_eq!(
        summaries::take(&mut connection, time(999), lease)
            .await
            .unwrap(),
        None
    );
    let kept = calls::find(&mut connection, call.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.summary, "A summary.");
}

#[tokio::test]
async fn two_workers_never_take_the_same_job() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    for user in ["ada", "bob"] {
        let call = new(user, 0);
        calls::begin(&mut connection, &call).await.unwrap();
        calls::end(&mut connection, call.id, EndReason::Operator, time(1))
            .await
            .unwrap();
    }
    drop(connection);
    let take = || async {
        let mut connection = pool.get().await.unwrap();
        summaries::take(&mut connection, time(2), TimeDelta::seconds(60))
            .await
            .unwrap()
    };
    let (one, two) = tokio::join!(take(), take());
    let calls = [one.unwrap().call, two.unwrap().call];
    assert_ne!(calls[0], calls[1]);
}

#[tokio::test]
async fn calls_of_a_dead_instance_are_ended_and_held_ones_are_not() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let (dead, held) = (new("ada", 0), new("bob", 0));
    for call in [&dead, &held] {
        calls::begin(&mut connection, call).await.unwrap();
    }
    calls::renew(&mut connection, &[held.id], time(200))
        .await
        .unwrap();
    let ended = calls::end_abandoned(&mut connection, time(100))
        .await
        .unwrap();
    assert_eq!(ended, [dead.id]);
}

#[tokio::test]
async fn turns_come_back_as_they_were_kept_in_the_order_of_their_beginning() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let call = new("ada", 0);
    calls::begin(&mut connection, &call).await.unwrap();
    let question = Turn {
        position: 1,
        role: Role::User,
        text: "What plan?".into(),
        start_time: time(1),
        interrupted: false,
        silenced_after_ms: None,
        tools: Vec::new(),
        latency: None,
        bill: None,
    };
    let tool = ToolCall {
        id: "call_1".into(),
        name: "get_account".into(),
        status: StoredStatus::Ok,
        took_ms: 12,
        sources: vec!["plans".into()],
    };
    let latency = Latency {
        end_of_turn_ms: 450,
        first_token_ms: Some(250),
        first_audio_ms: 300,
        voice_to_voice_ms: 800,
    };
    let answer = Turn {
        position: 3,
        role: Role::Assistant,
        text: "Pro.".into(),
        start_time: time(2),
        interrupted: true,
        silenced_after_ms: Some(90),
        tools: vec![tool],
        latency: Some(latency),
        bill: Some(Bill {
            usage: Usage {
                transcription_tokens: 7,
                ..Usage::default()
            },
            cost: Some(0.25),
        }),
    };
    for turn in [&answer, &question, &answer] {
        turns::insert(&mut connection, call.id, turn).await.unwrap();
    }
    assert_eq!(
        turns::of_call(&mut connection, call.id).await.unwrap(),
        [question, answer]
    );
}

#[tokio::test]
async fn calls_are_listed_newest_first_a_page_at_a_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let mut ids = Vec::new();
    for at in 0..3 {
        let call = new("ada", at);
        ids.insert(0, call.id);
        calls::begin(&mut connection, &call).await.unwrap();
    }
    calls::begin(&mut connection, &new("bob", 0)).await.unwrap();
    let filter = calls::Filter {
        user: Some("ada".parse().unwrap()),
        state: None,
    };
    let mut page = Page {
        size: 2,
        after: None,
    };
    let rows = calls::list(&mut connection, &filter, &page).await.unwrap();
    let listed: Vec<_> = rows.iter().map(|call| call.id).collect();
    assert_eq!(listed, ids, "a page and one more");
    page.after = Some(ids[1]);
    let rows = calls::list(&mut connection, &filter, &page).await.unwrap();
    assert_eq!(
        rows.iter().map(|call| call.id).collect::<Vec<_>>(),
        ids[2..]
    );
}

#[tokio::test]
async fn the_record_holds_the_prompt_the_cost_and_the_last_hand_over_whenever_they_come() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    let call = new("ada", 0);
    calls::begin(&mut connection, &call).await.unwrap();
    let found = calls::find(&mut connection, call.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.prompt_version.as_str(), found.bill, found.hand_over),
        ("built-in-3", None, None)
    );

    let wanted = |summary: &str, at| HandOver {
        reason: "asked for a person".into(),
        summary: summary.into(),
        time: time(at),
    };
    for (summary, at) in [("A refund.", 5), ("A refund, in May.", 9)] {
        let wanted = wanted(summary, at);
        calls::hand_over(&mut connection, call.id, &wanted)
            .await
            .unwrap();
    }
    let usage = Usage {
        text: Tokens {
            input: 100,
            cached: 900,
            output: 50,
        },
        transcription_seconds: 2.5,
        ..Usage::default()
    };
    let free = Bill { usage, cost: None };
    calls::charge(&mut connection, call.id, &free)
        .await
        .unwrap();
    calls::end(&mut connection, call.id, EndReason::ToolLimit, time(60))
        .await
        .unwrap();
    // The last of it comes after a call that another one has ended.
    let bill = Bill {
        usage,
        cost: Some(0.012_345_678),
    };
    calls::charge(&mut connection, call.id, &bill)
        .await
        .unwrap();
    let found = calls::find(&mut connection, call.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.hand_over, Some(wanted("A refund, in May.", 9)));
    let found = found.bill.unwrap();
    assert_eq!((found.usage, found.cost), (usage, Some(0.012_346)));
}

#[tokio::test]
async fn every_end_reason_can_be_stored() {
    let database = TestDatabase::new().await;
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.unwrap();
    for (reason, _) in calls::REASONS {
        let call = new("ada", 0);
        calls::begin(&mut connection, &call).await.unwrap();
        calls::end(&mut connection, call.id, reason, time(1))
            .await
            .unwrap();
        let found = calls::find(&mut connection, call.id)
            .await
            .unwrap()
            .unwrap();
        let time = time(1);
        assert_eq!(found.state, State::Ended { reason, time });
    }
}
