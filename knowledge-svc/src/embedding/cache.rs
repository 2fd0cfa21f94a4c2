//! The vectors of recent questions. What was asked is kept as a hash only.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use lru::LruCache;
use sha2::{Digest, Sha256};

/// Questions remembered; with vectors of 1.5 KB each about 1.6 MB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

pub(super) type Key = [u8; 32];

pub(super) struct Cache(Mutex<LruCache<Key, Arc<[f32]>>>);

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl Cache {
    /// The key of a question with single blanks; upper and lower case are the same to it.
    pub(super) fn key(text: &str) -> Key {
        Sha256::digest(text.to_lowercase()).into()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<[f32]>> {
        self.0
            .lock()
            .expect("no panic happens while it is held")
            .get(key)
            .cloned()
    }

    pub(super) fn put(&self, key: Key, vector: Arc<[f32]>) {
        self.0
            .lock()
            .expect("no panic happens while it is held")
            .put(key, vector);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_asked_is_forgotten_first() {
        let cache = Cache::default();
        let key = |n: usize| Cache::key(&format!("Question {n}"));
        for n in 0..=CAPACITY.get() {
            cache.put(key(n), Arc::from([n as f32]));
            assert!(cache.get(&key(0)).is_some(), "asked all the time");
        }
        assert!(cache.get(&key(1)).is_none());
        assert_eq!(
            cache.get(&Cache::key("question 2")).as_deref(),
            Some([2.0].as_slice())
        );
    }
}
