//! How well the demo articles answer the demo questions, with the vectors of the real local model.
//!
//! The figures are printed; the floors are what was measured, less a little room.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use proto::insta::knowledge::v1::{EmbeddingState::Ready, *};
use serde::Deserialize;

use crate::{
    app::TestApp,
    embedder::{Mood, TestEmbedder},
};

#[derive(Deserialize)]
struct Questions {
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    /// The article that answers; none when nothing does.
    document_id: Option<String>,
    #[serde(default)]
    must_say: Vec<String>,
}

#[derive(Debug, Default)]
struct Figures {
    answerable: usize,
    first: usize,
    in_five: usize,
    answered: usize,
    spoken: usize,
    to_be_spoken: usize,
    unanswerable: usize,
    declined: usize,
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/xtask/demo")
}

fn questions(file: &Path) -> Vec<Question> {
    let text = fs::read_to_string(file).unwrap();
    toml::from_str::<Questions>(&text).unwrap().questions
}

async fn with_demo_articles() -> TestApp {
    let models = std::env::var_os("MODELS_DIR").expect(
        "MODELS_DIR names no folder of models: run `cargo xtask setup`, then `cargo xtask test`",
    );
    let models =
        speech::Models::open(Path::new(&models), 2).unwrap_or_else(|error| panic!("{error}"));
    let embedder = models.embedder(1).unwrap_or_else(|error| panic!("{error}"));
    let embed = move |texts: &[String]| {
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts).unwrap();
        vectors.into_iter().map(Vec::from).collect()
    };
    let app = TestApp::with(TestEmbedder::start(Arc::new(embed)).await).await;
    let mut articles = Vec::new();
    for entry in fs::read_dir(demo().join("articles")).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read_to_string(&path).unwrap();
        let title = content
            .lines()
            .find_map(|line| line.strip_prefix("title: "))
            .unwrap();
        articles.push(Document {
            document_id: path.file_stem().unwrap().to_str().unwrap().into(),
            collection: "help".into(),
            title: title.into(),
            content,
            ..Document::default()
        });
    }
    app.create_ready(&articles).await;
    app
}

async fn measure(app: &TestApp, questions: &[Question]) -> Figures {
    let mut figures = Figures::default();
    for question in questions {
        let found = app.ask(&question.question).await.passages;
        let ids: Vec<_> = found
            .iter()
            .map(|passage| passage.document_id.as_str())
            .collect();
        let Some(wanted) = &question.document_id else {
            figures.unanswerable += 1;
            figures.declined += usize::from(found.is_empty());
            if let Some(best) = found.first() {
                println!(
                    "  not declined: {} -> {} {:?}",
                    question.question, best.document_id, best.score
                );
            }
            continue;
        };
        let place = ids.iter().position(|id| id == wanted);
        figures.answerable += 1;
        figures.first += usize::from(place == Some(0));
        figures.in_five += usize::from(place.is_some());
        figures.answered += usize::from(!found.is_empty());
        if place != Some(0) {
            println!(
                "  not first: {} -> {:?}, place of {wanted}: {place:?}",
                question.question,
                ids.first()
            );
        }
        if !question.must_say.is_empty() {
            let spoken = found
                .first()
                .map(|best| best.speakable.to_lowercase())
                .unwrap_or_default();
            let said = question.must_say.iter().all(|word| spoken.contains(word));
            figures.to_be_spoken += 1;
            figures.spoken += usize::from(said);
            if !said {
                println!(
                    "  not said: {} -> {spoken:?} lacks {:?}",
                    question.question, question.must_say
                );
            }
        }
    }
    figures
}

#[tokio::test]
async fn the_demo_articles_answer_what_they_hold_and_nothing_else() {
    let app = with_demo_articles().await;
    let listed = app
        .list(ListDocumentsRequest {
            page_size: 100,
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(
        listed
            .documents
            .iter()
            .all(|document| document.embedding_state() == Ready)
    );

    let demo = questions(&demo().join("questions.toml"));
    let figures = measure(&app, &demo).await;
    println!("demo questions: {figures:?}");
    assert!(figures.first >= 12 && figures.declined >= 4, "{figures:?}");
    assert!(figures.spoken >= 9, "{figures:?}");

    let more = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/questions.toml");
    let more = questions(&more);
    let figures = measure(&app, &more).await;
    println!("more questions: {figures:?}");
    assert!(figures.first >= 40 && figures.in_five >= 45, "{figures:?}");
    assert!(
        figures.declined >= 14 && figures.spoken >= 9 && figures.answered >= 46,
        "{figures:?}"
    );

    app.embedder.set(Mood::Status(503));
    let all: Vec<_> = demo
        .into_iter()
        .chain(more)
        .map(|mut question| {
            // Another question to the cache, the same to everyone else.
            question.question.push_str(" ?");
            question
        })
        .collect();
    let figures = measure(&app, &all).await;
    println!("without the embedder: {figures:?}");
    assert!(figures.declined >= 18, "{figures:?}");
}
