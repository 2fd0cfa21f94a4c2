//! Samples that are added at the end and dropped at the front.

/// A buffer whose oldest samples can be dropped often: what is left is moved only once for each
/// time that as much was dropped.
#[derive(Debug, Default)]
pub(super) struct Samples<T> {
    all: Vec<T>,
    /// So many at the front are gone.
    gone: usize,
}

impl<T: Copy> Samples<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        &self.all[self.gone..]
    }

    pub(super) fn len(&self) -> usize {
        self.all.len() - self.gone
    }

    pub(super) fn extend(&mut self, samples: &[T]) {
        self.all.extend_from_slice(samples);
    }

    pub(super) fn drop_front(&mut self, count: usize) {
        self.gone = (self.gone + count).min(self.all.len());
        if self.gone > self.all.len() / 2 {
            self.all.drain(..self.gone);
            self.gone = 0;
        }
    }

    /// Takes all of them out.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.all.drain(..std::mem::take(&mut self.gone));
        std::mem::take(&mut self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_was_not_dropped_and_memory_stays_bounded() {
        let mut samples = Samples::default();
        for step in 0..1_000 {
            let new: Vec<i32> = (step * 10..step * 10 + 10).collect();
            samples.extend(&new);
            samples.drop_front(samples.len().saturating_sub(50));
            let end = (step + 1) * 10;
            let kept: Vec<i32> = ((end - 50).max(0)..end).collect();
            assert_eq!(samples.as_slice(), kept);
            assert!(samples.all.len() <= 120);
        }
        samples.drop_front(7);
        assert_eq!(samples.take().len(), 43);
        assert_eq!(samples.len(), 0);
    }
}
