use crate::embedder;

fn similarity(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_question_lies_nearest_to_its_answer() {
    let articles = [
        "Refunds are paid to the original card within five working days.",
        "Your subscription renews every month on the day you signed up.",
        "To reset your password, open the sign-in page and choose Forgot password.",
    ];
    let questions = [
        "How long until I get my money back?",
        "When will I be billed next?",
        "I cannot remember my password.",
    ];
    let articles = embedder().embed(&articles).unwrap();
    for (index, question) in embedder().embed(&questions).unwrap().iter().enumerate() {
        let scores: Vec<f32> = articles
            .iter()
            .map(|article| similarity(article, question))
            .collect();
        let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        assert_eq!(best, Some(index), "{scores:?}");
        assert!(scores[index] > 0.3, "{scores:?}");
    }
    let off_topic = embedder()
        .embed(&["What is the weather in Paris?"])
        .unwrap();
    assert!(
        articles
            .iter()
            .all(|article| similarity(article, &off_topic[0]) < 0.2)
    );
}

#[test]
fn a_batch_gives_what_single_texts_give() {
    let long = "The quick brown fox jumps over the lazy dog. ".repeat(60);
    let mut texts = vec!["", "Hello", long.as_str(), "Wie geht's?", "\u{1f600}"];
    texts.extend(["How do I cancel my plan?"; 40]);
    let batch = embedder().embed(&texts).unwrap();
    assert_eq!(batch.len(), texts.len());
    for (text, embedding) in texts.iter().zip(&batch) {
        let single = embedder().embed(&[text]).unwrap()[0];
        assert!(similarity(&single, embedding) > 0.9999, "{text:?}");
        assert!((similarity(embedding, embedding) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn no_texts_have_no_embeddings() {
    assert!(embedder().embed(&[]).unwrap().is_empty());
}

#[test]
fn what_comes_after_256_word_pieces_is_not_read() {
    let long = "word ".repeat(300);
    let [a, b] = embedder()
        .embed(&[&long, &format!("{long} another thing")])
        .unwrap()[..]
    else {
        panic!("two texts have two embeddings");
    };
    assert!(similarity(&a, &b) > 0.9999);
    // More than the 128 that the tokenizer's own file says.
    let shorter = embedder()
        .embed(&[&format!("{}billing", "word ".repeat(150))])
        .unwrap()[0];
    assert!(similarity(&a, &shorter) < 0.9999);
}
