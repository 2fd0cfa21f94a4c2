//! Which passages of a document stay when it is written anew.

use std::collections::HashMap;

use uuid::Uuid;

use super::Passage;

/// What becomes of the kept passages of a document when it is written anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reuse {
    /// Kept passages, with their vectors, and their new places.
    pub(crate) kept: Vec<(Uuid, usize)>,
    /// Places of passages that are new.
    pub(crate) added: Vec<usize>,
    /// Kept passages that are no more.
    pub(crate) removed: Vec<Uuid>,
}

/// Finds the passages of `wanted` among those that are `there`, by hash.
pub(crate) fn reuse(there: Vec<(Uuid, [u8; 32])>, wanted: &[Passage]) -> Reuse {
    let mut by_hash: HashMap<[u8; 32], Vec<Uuid>> = HashMap::new();
    for (id, hash) in there.into_iter().rev() {
        by_hash.entry(hash).or_default().push(id);
    }
    let mut reuse = Reuse::default();
    for (place, passage) in wanted.iter().enumerate() {
        match by_hash.get_mut(&passage.content_hash).and_then(Vec::pop) {
            Some(id) => reuse.kept.push((id, place)),
            None => reuse.added.push(place),
        }
    }
    reuse.removed = by_hash.into_values().flatten().collect();
    reuse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        let mut content_hash = [0; 32];
        content_hash[..text.len()].copy_from_slice(text.as_bytes());
        Passage {
            heading_path: String::new(),
            text: text.into(),
            content_hash,
        }
    }

    #[test]
    fn unchanged_passages_are_kept_wherever_they_move() {
        let ids: Vec<_> = (0..3).map(Uuid::from_u128).collect();
        let old = ["same", "gone", "moved"].map(passage);
        let new = ["moved", "same", "new"].map(passage);
        let there = ids
            .iter()
            .zip(&old)
            .map(|(id, passage)| (*id, passage.content_hash))
            .collect();
        let expected = Reuse {
            kept: vec![(ids[2], 0), (ids[0], 1)],
            added: vec![2],
            removed: vec![ids[1]],
        };
        assert_eq!(reuse(there, &new), expected);
    }

    #[test]
    fn equal_passages_of_one_document_are_each_kept_once() {
        let twice = ["x", "x"].map(passage);
        let there = vec![(Uuid::from_u128(1), twice[0].content_hash)];
        let found = reuse(there, &twice);
        assert_eq!((found.kept.len(), found.added), (1, vec![1]));
    }
}
