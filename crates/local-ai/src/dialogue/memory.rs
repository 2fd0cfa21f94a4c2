//! Embeddings of texts that come up again: descriptions of tools, sentences of help articles.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::DialogueError;
use crate::engine::{Embed, Embedding};

/// About 3 MB in each of two generations: some hundred help articles, sentence by sentence.
const GENERATION: usize = 2_048;

/// Remembers embeddings. What was not asked for in a generation is forgotten with the next.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Embedding>,
    old: HashMap<String, Embedding>,
}

impl Memory {
    /// The embedding of each text, in order; what is not remembered is embedded in one go.
    pub(super) fn embed(
        &self,
        texts: &[String],
        embed: &dyn Embed,
    ) -> Result<Vec<Embedding>, DialogueError> {
        // A poisoned lock is harmless: entries are independent of each other.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: HashMap<&str, Embedding> = HashMap::new();
        let mut unknown: Vec<&str> = Vec::new();
        {
            let mut generations = lock();
            for text in texts {
                match generations.get(text) {
                    Some(embedding) => {
                        known.insert(text, embedding);
                    }
                    None if !unknown.contains(&text.as_str()) => unknown.push(text),
                    None => {}
                }
            }
        }
        if !unknown.is_empty() {
            let fresh = embed.embed(&unknown)?;
            let mut generations = lock();
            for (text, embedding) in unknown.into_iter().zip(fresh) {
                generations.put(text, embedding);
                known.insert(text, embedding);
            }
        }
        Ok(texts
            .iter()
            .filter_map(|text| known.get(text.as_str()).copied())
            .collect())
    }
}

impl Generations {
    fn get(&mut self, text: &str) -> Option<Embedding> {
        if let Some(embedding) = self.young.get(text) {
            return Some(*embedding);
        }
        let embedding = self.old.remove(text)?;
        self.put(text, embedding);
        Some(embedding)
    }

    fn put(&mut self, text: &str, embedding: Embedding) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text.to_owned(), embedding);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts the texts that are embedded.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Embed for Counting {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, speech::Error> {
            self.0.fetch_add(texts.len(), Ordering::Relaxed);
            Ok(texts.iter().map(|text| [text.len() as f32; _]).collect())
        }
    }

    #[test]
    fn a_text_is_embedded_once_and_memory_is_bounded() {
        let memory = Memory::default();
        let counting = Counting::default();
        let ask = |texts: &[String]| memory.embed(texts, &counting).unwrap();
        let texts = ["one".to_owned(), "three".to_owned(), "one".to_owned()];
        let lengths: Vec<f32> = ask(&texts).iter().map(|embedding| embedding[0]).collect();
        assert_eq!(lengths, [3.0, 5.0, 3.0]);
        ask(&texts);
        assert_eq!(counting.0.load(Ordering::Relaxed), 2);
        for index in 0..10 * GENERATION {
            ask(&[index.to_string()]);
        }
        let generations = memory.0.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
