//! Clauses that were spoken before. Assistants say the same again and again (greetings, apologies,
//! how answers begin), and what is here is heard at once.

use std::sync::{Mutex, PoisonError};

use lru::LruCache;

/// Most of what is kept, 8 MiB: nearly three minutes of speech.
const MAX_BYTES: usize = 8 << 20;

/// What makes a clause sound as it does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spoken {
    text: String,
    voice: String,
    /// The bits of the speed, because two speeds are the same or they are not.
    speed: u32,
}

impl Spoken {
    pub(crate) fn new(text: &str, voice: &str, speed: f32) -> Self {
        Self {
            text: text.trim().to_owned(),
            voice: voice.to_owned(),
            speed: speed.to_bits(),
        }
    }

    fn bytes(&self, wave: &[i16]) -> usize {
        size_of::<Self>() + self.text.len() + self.voice.len() + size_of_val(wave)
    }
}

/// Waves by what was spoken. When it is full, what was not asked for longest goes.
#[derive(Debug)]
pub(crate) struct WaveCache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    waves: LruCache<Spoken, Vec<i16>>,
    bytes: usize,
}

impl Default for WaveCache {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            waves: LruCache::unbounded(),
            bytes: 0,
        }))
    }
}

impl WaveCache {
    pub(crate) fn get(&self, spoken: &Spoken) -> Option<Vec<i16>> {
        self.lock().waves.get(spoken).cloned()
    }

    /// Keeps a wave, unless it alone would fill a quarter of what there is room for.
    pub(crate) fn put(&self, spoken: Spoken, wave: &[i16]) {
        let bytes = spoken.bytes(wave);
        if bytes > MAX_BYTES / 4 {
            return;
        }
        let mut kept = self.lock();
        kept.bytes += bytes;
        let replaced = kept.waves.push(spoken, wave.to_vec());
        if let Some((spoken, wave)) = replaced {
            kept.bytes -= spoken.bytes(&wave);
        }
        while kept.bytes > MAX_BYTES {
            let Some((spoken, wave)) = kept.waves.pop_lru() else {
                break;
            };
            kept.bytes -= spoken.bytes(&wave);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str) -> Spoken {
        Spoken::new(text, "af_heart", 1.0)
    }

    #[test]
    fn text_voice_and_speed_tell_clauses_apart_and_space_around_does_not() {
        let cache = WaveCache::default();
        cache.put(spoken("Sure. "), &[1, 2]);
        assert_eq!(cache.get(&spoken("Sure.")), Some(vec![1, 2]));
        assert_eq!(cache.get(&spoken("Sure")), None);
        assert_eq!(cache.get(&Spoken::new("Sure.", "bf_emma", 1.0)), None);
        assert_eq!(cache.get(&Spoken::new("Sure.", "af_heart", 1.5)), None);
    }

    #[test]
    fn it_never_grows_past_its_bound_and_forgets_what_was_not_asked_for() {
        let cache = WaveCache::default();
        let second = vec![0; 24_000];
        cache.put(spoken("greeting"), &second);
        for n in 0..1_000 {
            cache.put(spoken(&format!("answer {n}")), &second);
            assert!(cache.get(&spoken("greeting")).is_some(), "at {n}");
            let kept = cache.lock();
            let bytes: usize = kept.waves.iter().map(|(s, wave)| s.bytes(wave)).sum();
            assert_eq!(bytes, kept.bytes);
            assert!(bytes <= MAX_BYTES);
        }
        assert_eq!(cache.get(&spoken("answer 0")), None);
        assert!(cache.get(&spoken("answer 999")).is_some());
    }

    #[test]
    fn what_is_said_twice_is_kept_once_and_what_is_huge_not_at_all() {
        let cache = WaveCache::default();
        cache.put(spoken("Sure."), &[1; 100]);
        cache.put(spoken("Sure."), &[1; 100]);
        assert_eq!(cache.lock().bytes, spoken("Sure.").bytes(&[1; 100]));
        cache.put(spoken("long"), &vec![0; MAX_BYTES / 4]);
        assert_eq!(cache.get(&spoken("long")), None);
    }
}
