//! Questions that nothing answers: kept, listed, dismissed, forgotten.

use std::time::Duration;

use chrono::TimeDelta;
use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use service_kit::{CallId, Caller, Scope, Tier};
use test_kit::{Identity, told};
use tonic::Status;

use crate::{
    app::{PATIENCE, TestApp, document},
    embedder::Mood,
};

/// Asked last and by nobody else: when it is listed, what was asked before it has been written.
const LAST: &str = "xyzzy";

impl TestApp {
    pub async fn ask_by(&self, caller: &Caller, request: SearchRequest) -> SearchResponse {
        let request = self.identity.request(caller, request);
        self.client().search(request).await.unwrap().into_inner()
    }

    pub async fn unanswered(
        &self,
        request: ListUnansweredQuestionsRequest,
    ) -> Result<ListUnansweredQuestionsResponse, Status> {
        let request = self.writer(request);
        let answer = self.client().list_unanswered_questions(request).await?;
        Ok(answer.into_inner())
    }

    async fn dismiss(&self, question_id: &str) -> Result<(), Status> {
        let request = self.writer(DismissUnansweredQuestionRequest {
            question_id: question_id.into(),
        });
        let answer = self.client().dismiss_unanswered_question(request).await?;
        let DismissUnansweredQuestionResponse {} = answer.into_inner();
        Ok(())
    }

    /// The list once it is as `wanted`.
    async fn until_listed(
        &self,
        wanted: impl Fn(&[UnansweredQuestion]) -> bool,
    ) -> Vec<UnansweredQuestion> {
        let reached = async {
            loop {
                let listed = self.unanswered(Default::default()).await.unwrap();
                if wanted(&listed.unanswered_questions) {
                    return listed.unanswered_questions;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("the questions are listed")
    }

    /// What is kept once all that was asked so far has been written.
    pub async fn kept(&self) -> Vec<UnansweredQuestion> {
        let is_last = |kept: &UnansweredQuestion| kept.text == LAST;
        self.ask_by(&Identity::user("marker"), question(LAST)).await;
        let mut kept = self.until_listed(|listed| listed.iter().any(is_last)).await;
        for last in kept.extract_if(.., |kept| is_last(kept)) {
            self.dismiss(&last.question_id).await.unwrap();
        }
        kept
    }
}

pub fn question(query: &str) -> SearchRequest {
    SearchRequest {
        query: query.into(),
        ..SearchRequest::default()
    }
}

/// Questions, a line each; times in seconds since the test began.
pub fn shown(questions: &[UnansweredQuestion]) -> String {
    let seconds = |time: &Option<prost_types::Timestamp>| time.unwrap().seconds - 1_800_000_000;
    let line = |kept: &UnansweredQuestion| {
        let visibility = kept.visibility().as_str_name();
        let near = match kept.nearest_confidence {
            Some(confidence) => format!("{} {confidence:.2}", kept.nearest_document_id),
            None => "nothing".to_owned(),
        };
        let limits = [&kept.collection, &kept.language, &kept.labels.join("+")];
        let limits = limits.map(String::as_str).join("/");
        format!(
            "{:?} [{limits}] {}: {} x by {}, {} s to {} s, near {near}\n",
            kept.text,
            visibility.trim_start_matches("VISIBILITY_").to_lowercase(),
            kept.times,
            kept.askers,
            seconds(&kept.first_ask_time),
            seconds(&kept.last_ask_time),
        )
    };
    questions.iter().map(line).collect()
}

fn person(user_id: &str, tier: Tier) -> Caller {
    Caller::User {
        user_id: user_id.parse().unwrap(),
        tier,
        operator: false,
    }
}

async fn with_article() -> TestApp {
    let app = TestApp::start().await;
    app.create_ready(&[document(
        "refunds",
        "Refunds",
        "You get your money back within 30 days.",
    )])
    .await;
    app
}

#[tokio::test]
async fn alike_questions_are_one_entry_with_who_and_when() {
    let app = with_article().await;
    let second = TimeDelta::seconds(1);
    let ada = person("ada", Tier::Free);
    app.ask_by(&ada, question("Do parrots fly abroad?")).await;
    app.clock.advance(second);
    app.ask_by(&ada, question("So, uh, do  parrots fly... abroad"))
        .await;
    app.clock.advance(second);
    let agent = Caller::Delegate {
        user_id: "bob".parse().unwrap(),
        tier: Tier::Pro,
        call_id: CallId::generate(),
        client_id: "agent-svc".parse().unwrap(),
    };
    app.ask_by(&agent, question("DO PARROTS FLY ABROAD")).await;
    app.clock.advance(second);
    for other in [
        SearchRequest {
            language: "de".into(),
            ..question("Do parrots fly abroad?")
        },
        SearchRequest {
            collection: "other".into(),
            labels: vec!["birds".into(), "air".into()],
            ..question("Do parrots fly abroad?")
        },
    ] {
        app.ask_by(&ada, other).await;
        app.clock.advance(second);
    }
    assert_snapshot!(shown(&app.kept().await), @r#"
    "Do parrots fly abroad?" [other/en/birds+air] free: 1 x by 1, 4 s to 4 s, near nothing
    "Do parrots fly abroad?" [/de/] free: 1 x by 1, 3 s to 3 s, near refunds 0.00
    "Do parrots fly abroad?" [/en/] pro: 3 x by 2, 0 s to 2 s, near refunds 0.00
    "#);
}

#[tokio::test]
async fn only_what_is_known_to_have_no_answer_is_kept() {
    let app = with_article().await;
    let ada = Identity::user("ada");
    app.ask_by(&ada, question("When do I get my money back?"))
        .await;
    app.ask_by(&ada, question("?! 🥚")).await;
    let looked_at = SearchRequest {
        include_rejected: true,
        ..question("Why are bananas bent?")
    };
    app.ask_by(&ada, looked_at).await;
    let service = Identity::service(&[Scope::KnowledgeRead]);
    app.ask_by(&service, question("Why are bananas bent?"))
        .await;
    app.embedder.set(Mood::Status(503));
    let degraded = app.ask_by(&ada, question("Why is the sky blue?")).await;
    assert!(degraded.degraded && degraded.passages.is_empty());
    app.embedder.set(Mood::Well);
    assert_eq!(app.kept().await, []);
}

#[tokio::test]
async fn what_only_a_higher_plan_would_find_is_unanswered() {
    let app = TestApp::start().await;
    let secret = Document {
        visibility: Visibility::Enterprise.into(),
        ..document(
            "secret",
            "Prices",
            "The moonbeam tariff costs nine dollars.",
        )
    };
    app.create_ready(&[secret]).await;
    let asked = || question("What does the moonbeam tariff cost?");
    let found = app.ask_by(&person("eve", Tier::Enterprise), asked()).await;
    assert_eq!(found.passages.len(), 1);
    app.ask_by(&person("bob", Tier::Pro), asked()).await;
    app.ask_by(&person("ada", Tier::Free), asked()).await;
    assert_snapshot!(shown(&app.kept().await), @r#""What does the moonbeam tariff cost?" [/en/] pro: 2 x by 2, 0 s to 0 s, near nothing"#);
}

#[tokio::test]
async fn the_list_comes_a_page_at_a_time_asked_last_first() {
    let app = TestApp::start().await;
    let ada = Identity::user("ada");
    // Two at the same moment.
    for (number, pause) in [(0, 1), (1, 1), (2, 0), (3, 1), (4, 1)] {
        let request = SearchRequest {
            collection: if number == 4 { "other" } else { "help" }.into(),
            ..question(&format!("question {number}"))
        };
        app.ask_by(&ada, request).await;
        app.clock.advance(TimeDelta::seconds(pause));
    }
    assert_eq!(app.kept().await.len(), 5);
    let mut request = ListUnansweredQuestionsRequest {
        collection: "help".into(),
        page_size: 2,
        ..ListUnansweredQuestionsRequest::default()
    };
    let first = app.unanswered(request.clone()).await.unwrap();
    request.page_token = first.next_page_token;
    let last = app.unanswered(request.clone()).await.unwrap();
    assert_eq!(last.next_page_token, "");
    let all = [first.unanswered_questions, last.unanswered_questions].concat();
    let texts: Vec<_> = all.iter().map(|kept| kept.text.as_str()).collect();
    assert_eq!(
        texts,
        ["question 3", "question 2", "question 1", "question 0"]
    );

    request.collection = "other".into();
    request.page_size = 101;
    assert_snapshot!(told(&app.unanswered(request.clone()).await.unwrap_err()), @"InvalidArgument [page_size, page_token] page_size must be 0 to 100; page_token must be a next_page_token of the list of this collection");
    request.collection = "X".into();
    request.page_token = "nonsense".into();
    assert_snapshot!(told(&app.unanswered(request).await.unwrap_err()), @"InvalidArgument [collection, page_size, page_token] collection must be 3 to 80 lower-case letters, digits or dashes; page_size must be 0 to 100; page_token must be a next_page_token of this list");
}

#[tokio::test]
async fn a_dismissed_question_shows_when_it_is_asked_again() {
    let app = with_article().await;
    let ada = Identity::user("ada");
    app.ask_by(&ada, question("Why are bananas bent?")).await;
    app.ask_by(&ada, question("Why are bananas bent?")).await;
    let kept = app.kept().await;
    assert_eq!((kept.len(), kept[0].times), (1, 2));
    for _ in 0..2 {
        app.dismiss(&kept[0].question_id).await.unwrap();
        assert_eq!(app.kept().await, []);
    }
    app.ask_by(&ada, question("Why are bananas bent?")).await;
    let again = app.kept().await;
    assert_eq!((again.len(), again[0].times), (1, 1));
    assert_snapshot!(told(&app.dismiss("x").await.unwrap_err()), @"InvalidArgument [question_id] question_id must be a UUID");
}

#[tokio::test]
async fn those_who_ask_at_once_are_all_counted() {
    let app = with_article().await;
    let asked = (0..24).map(|number| {
        let caller = Identity::user(&format!("user-{}", number % 8));
        let app = &app;
        async move {
            app.ask_by(&caller, question("Why are bananas bent?")).await;
        }
    });
    futures::future::join_all(asked).await;
    let kept = app.kept().await;
    assert_eq!(
        (kept.len(), kept[0].times, kept[0].askers),
        (1, 24, 8),
        "{kept:?}"
    );
}

#[tokio::test]
async fn of_very_many_askers_a_hundred_are_named_and_all_are_counted() {
    let app = with_article().await;
    for number in 0..102 {
        let caller = Identity::user(&format!("user-{number}"));
        app.ask_by(&caller, question("Why are bananas bent?")).await;
    }
    let first = Identity::user("user-0");
    app.ask_by(&first, question("Why are bananas bent?")).await;
    let kept = app.kept().await;
    assert_eq!((kept[0].times, kept[0].askers), (103, 100));
}

#[tokio::test]
async fn what_waits_to_be_written_is_written_before_the_service_stops() {
    let mut app = with_article().await;
    let callers: Vec<_> = (0..10)
        .map(|number| Identity::user(&format!("user-{number}")))
        .collect();
    let asked = callers
        .iter()
        .map(|caller| app.ask_by(caller, question("Why are bananas bent?")));
    futures::future::join_all(asked).await;
    app.restart("test-model").await;
    let listed = app.unanswered(Default::default()).await.unwrap();
    assert_eq!(listed.unanswered_questions[0].times, 10);
}

#[tokio::test]
async fn questions_go_when_nobody_asks_them_any_more() {
    let app = with_article().await;
    let (ada, bob) = (Identity::user("ada"), Identity::user("bob"));
    app.ask_by(&ada, question("Why are bananas bent?")).await;
    app.ask_by(&ada, question("Why is the sky blue?")).await;
    assert_eq!(app.kept().await.len(), 2);
    app.clock.advance(TimeDelta::days(60));
    app.ask_by(&bob, question("Why is the sky blue?")).await;
    assert_eq!(app.kept().await.len(), 2);
    app.clock.advance(TimeDelta::days(31));
    // Ada's part of the other question goes as well.
    let left = app.until_listed(|listed| listed.len() == 1).await;
    assert_snapshot!(shown(&left), @r#""Why is the sky blue?" [/en/] free: 1 x by 1, 0 s to 5184000 s, near refunds 0.00"#);
}

#[tokio::test]
async fn a_question_is_answered_though_it_cannot_be_kept() {
    let app = with_article().await;
    let mut connection = app
        .database
        .url_of_migrator()
        .connect()
        .await
        .expect("the database is there");
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut connection,
        "ALTER TABLE insta_knowledge.unanswered_questions RENAME TO elsewhere",
    )
    .await
    .unwrap();
    let ada = Identity::user("ada");
    let answer = app.ask_by(&ada, question("Why are bananas bent?")).await;
    assert!(!answer.degraded && answer.passages.is_empty());
    let answer = app.ask_by(&ada, question("Do I get my money back?")).await;
    assert_eq!(answer.passages.len(), 1);
}
