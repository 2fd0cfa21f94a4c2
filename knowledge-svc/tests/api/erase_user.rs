//! Removing what is kept of a user.

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use service_kit::Scope;
use test_kit::{Identity, told};
use tonic::Status;

use crate::{
    app::TestApp,
    unanswered::{question, shown},
};

impl TestApp {
    async fn erase(&self, user_id: &str) -> Result<i64, Status> {
        let request = self.writer(EraseUserRequest {
            user_id: user_id.into(),
        });
        let answer = self.client().erase_user(request).await?;
        Ok(answer.into_inner().questions)
    }

    /// Every row of every table as text.
    async fn everything(&self) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let mut connection = self.database.admin_url().connect().await.unwrap();
        let tables: Vec<Row> = diesel::sql_query(
            "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'insta_knowledge'",
        )
        .load(&mut connection)
        .await
        .unwrap();
        let mut everything = String::new();
        for Row { text: table } in tables {
            let sql = format!("SELECT t::text AS text FROM insta_knowledge.{table} t");
            let rows: Vec<Row> = diesel::sql_query(sql).load(&mut connection).await.unwrap();
            everything.extend(rows.into_iter().map(|row| row.text));
        }
        everything
    }
}

#[tokio::test]
async fn nothing_of_the_user_stays_and_nothing_of_others_goes() {
    let app = TestApp::start().await;
    let (ada, bob) = (Identity::user("ada-1815"), Identity::user("bob"));
    app.ask_by(&ada, question("Why does my own lantern hum?"))
        .await;
    for caller in [&ada, &bob, &ada] {
        app.ask_by(caller, question("Why are bananas bent?")).await;
    }
    app.ask_by(&bob, question("Why is the sky blue?")).await;
    assert_eq!(app.kept().await.len(), 3);
    let before = app.everything().await;
    assert!(before.contains("ada-1815") && before.contains("hum?"));

    assert_eq!(app.erase("ada-1815").await.unwrap(), 2);
    let after = app.everything().await;
    assert!(!after.contains("ada-1815") && !after.contains("hum?"));
    let mut kept = app.kept().await;
    kept.sort_by(|one, other| one.text.cmp(&other.text));
    assert_snapshot!(shown(&kept), @r#"
    "Why are bananas bent?" [/en/] free: 1 x by 1, 0 s to 0 s, near nothing
    "Why is the sky blue?" [/en/] free: 1 x by 1, 0 s to 0 s, near nothing
    "#);

    assert_eq!(app.erase("ada-1815").await.unwrap(), 0, "once is enough");
    assert_eq!(app.erase("bob").await.unwrap(), 2);
    assert_eq!(app.kept().await, []);
    assert_snapshot!(told(&app.erase("a b").await.unwrap_err()), @"InvalidArgument [user_id] user_id must be 1 to 128 printable ASCII characters without spaces");
}

#[tokio::test]
async fn users_who_ask_and_are_erased_at_once_do_not_wait_for_each_other() {
    let app = TestApp::start().await;
    let users: Vec<_> = (0..4).map(|number| format!("user-{number}")).collect();
    let asked = users.iter().flat_map(|user| {
        let caller = Identity::user(user);
        let app = &app;
        (0..6).map(move |number| {
            let caller = caller.clone();
            async move {
                app.ask_by(&caller, question(&format!("Why {number}?")))
                    .await;
            }
        })
    });
    let erased = users.iter().map(|user| async {
        for _ in 0..5 {
            app.erase(user).await.unwrap();
        }
    });
    tokio::join!(
        futures::future::join_all(asked),
        futures::future::join_all(erased)
    );
    // All has been written once this is listed; then nobody is left.
    app.kept().await;
    for user in &users {
        app.erase(user).await.unwrap();
    }
    assert_eq!(app.kept().await, []);
}

#[tokio::test]
async fn an_operator_may_erase() {
    let app = TestApp::start().await;
    let request = EraseUserRequest {
        user_id: "ada".into(),
    };
    let operator = Identity::service(&[Scope::Operator]);
    let request = app.identity.request(&operator, request);
    let answer = app.client().erase_user(request).await.unwrap();
    assert_eq!(answer.into_inner().questions, 0);
}
