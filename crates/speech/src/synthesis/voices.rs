//! The voices of the synthesiser.

use std::path::Path;
use std::sync::Arc;

use crate::Error;
use crate::runtime::existing;

/// Numbers in one style.
pub(super) const STYLE: usize = 256;
/// Styles in one voice, one for each length of text in tokens.
const LENGTHS: usize = 510;

/// Which English a voice speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accent {
    American,
    British,
}

/// A voice. Cheap to clone.
#[derive(Clone)]
pub struct Voice {
    name: Arc<str>,
    styles: Arc<[f32]>,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Voice").field(&self.name).finish()
    }
}

impl Voice {
    /// The voice's name, as in `af_heart`.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn accent(&self) -> Accent {
        // Kokoro's names begin with the language, b for British.
        if self.name.starts_with('b') {
            Accent::British
        } else {
            Accent::American
        }
    }

    /// How the voice speaks a text of so many tokens.
    pub(super) fn style(&self, tokens: usize) -> &[f32] {
        let row = tokens.min(LENGTHS - 1) * STYLE;
        &self.styles[row..row + STYLE]
    }
}

/// Loads the English voices of a folder, sorted by name.
pub(super) fn load(dir: &Path) -> Result<Vec<Voice>, Error> {
    let dir = existing(dir.to_owned())?;
    let damaged = |path: &Path, reason: String| Error::Damaged {
        path: path.to_owned(),
        reason,
    };
    let entries = std::fs::read_dir(&dir).map_err(|error| damaged(&dir, error.to_string()))?;
    let mut voices = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| damaged(&dir, error.to_string()))?
            .path();
        let Some(name) = voice_name(&path) else {
            continue;
        };
        let bytes = std::fs::read(&path).map_err(|error| damaged(&path, error.to_string()))?;
        let wanted = LENGTHS * STYLE * size_of::<f32>();
        if bytes.len() != wanted {
            return Err(damaged(
                &path,
                format!("{} bytes instead of {wanted}", bytes.len()),
            ));
        }
        let (numbers, _) = bytes.as_chunks::<4>();
        let styles = numbers
            .iter()
            .map(|&number| f32::from_le_bytes(number))
            .collect();
        voices.push(Voice {
            name: name.into(),
            styles,
        });
    }
    if voices.is_empty() {
        return Err(Error::Missing {
            path: dir.join("af_heart.bin"),
        });
    }
    voices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(voices)
}

/// The name of the English voice in a file: Kokoro calls those `af_…`, `am_…`, `bf_…`, `bm_…`.
fn voice_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.strip_suffix(".bin")?;
    let is_english = ["af_", "am_", "bf_", "bm_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    is_english.then_some(name)
}
