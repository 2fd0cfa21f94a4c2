use proto::insta::profile::v1 as pb;
use service_kit::{CallId, Scope};
use test_kit::{Identity, told};

use crate::app::TestApp;

const WRITE: &[Scope] = &[Scope::ProfileWrite];

fn fact(key: &str, value: &str) -> pb::AccountFact {
    pb::AccountFact {
        key: key.into(),
        label: key.replace('_', " "),
        value: value.into(),
        as_of_time: None,
    }
}

fn set(facts: Vec<pb::AccountFact>) -> pb::SetAccountFactsRequest {
    pb::SetAccountFactsRequest {
        user_id: "ada".into(),
        facts,
    }
}

async fn values(app: &TestApp) -> Vec<(String, String)> {
    let call = Identity::delegate("ada", CallId::generate());
    let request = app.from(&call, pb::ListAccountFactsRequest::default());
    let facts = app
        .client()
        .list_account_facts(request)
        .await
        .unwrap()
        .into_inner()
        .facts;
    facts
        .into_iter()
        .map(|fact| (fact.key, fact.value))
        .collect()
}

#[tokio::test]
async fn facts_are_set_replaced_and_removed_by_key() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let first = set(vec![
        fact("seats_used", "three"),
        fact("next_invoice", "May first"),
    ]);
    app.client()
        .set_account_facts(app.service(WRITE, first))
        .await
        .unwrap();
    let second = set(vec![fact("seats_used", "four")]);
    app.client()
        .set_account_facts(app.service(WRITE, second))
        .await
        .unwrap();
    let both = [("next_invoice", "May first"), ("seats_used", "four")];
    assert_eq!(
        values(&app).await,
        both.map(|(key, value)| (key.into(), value.into()))
    );

    let delete = pb::DeleteAccountFactsRequest {
        user_id: "ada".into(),
        keys: vec!["next_invoice".into(), "never_there".into()],
    };
    for _ in 0..2 {
        app.client()
            .delete_account_facts(app.service(WRITE, delete.clone()))
            .await
            .unwrap();
    }
    assert_eq!(values(&app).await, [("seats_used".into(), "four".into())]);
}

#[tokio::test]
async fn one_bad_fact_stores_none() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let facts = vec![
        fact("good", "yes"),
        fact("Bad Key", "yes"),
        fact("empty", ""),
        fact("good", "again"),
    ];
    let error = app
        .client()
        .set_account_facts(app.service(WRITE, set(facts)))
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error));
    assert!(values(&app).await.is_empty());
}

#[tokio::test]
async fn a_user_has_a_hundred_facts_at_most() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let batch = |from: usize| {
        set((from..from + 50)
            .map(|n| fact(&format!("fact_{n}"), "yes"))
            .collect())
    };
    for from in [0, 50] {
        app.client()
            .set_account_facts(app.service(WRITE, batch(from)))
            .await
            .unwrap();
    }
    let more = app.service(WRITE, set(vec![fact("one_more", "yes")]));
    let error = app.client().set_account_facts(more).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"ResourceExhausted [TOO_MANY_FACTS] a user can have at most 100 facts");
    assert_eq!(values(&app).await.len(), 100);
}

#[tokio::test]
async fn facts_of_nobody_are_not_found() {
    let app = TestApp::start().await;
    let error = app
        .client()
        .set_account_facts(app.service(WRITE, set(vec![fact("a", "b")])))
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"NotFound [PROFILE_NOT_FOUND] there is no such profile");
    let list = pb::ListAccountFactsRequest {
        user_id: "ada".into(),
    };
    let list = app.service(&[Scope::ProfileRead], list);
    let error = app.client().list_account_facts(list).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"NotFound [PROFILE_NOT_FOUND] there is no such profile");
}
