//! A fixed set of model copies that calls take turns on.
//!
//! A session runs one inference at a time. Each copy costs its model's weights in memory, so there
//! are as many as were asked for and a call that finds none free waits, up to [`MAX_WAIT`].

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::Error;

/// How long a call waits for a free worker before it fails with [`Error::Busy`]. Longer than any
/// single inference takes, shorter than anyone would listen to silence.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The workers of one model.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    model: &'static str,
    workers: usize,
    max_wait: Duration,
    free: Mutex<Vec<T>>,
    returned: Condvar,
}

impl<T> Pool<T> {
    /// Makes `workers` workers (at least one) with `make`.
    pub(crate) fn new(
        model: &'static str,
        workers: usize,
        make: impl FnMut() -> Result<T, Error>,
    ) -> Result<Self, Error> {
        let workers = workers.max(1);
        let free = std::iter::repeat_with(make)
            .take(workers)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            model,
            workers,
            max_wait: MAX_WAIT,
            free: Mutex::new(free),
            returned: Condvar::new(),
        })
    }

    /// Takes a worker, waiting for one if all are busy. It goes back when the lease is dropped.
    pub(crate) fn take(&self) -> Result<Lease<'_, T>, Error> {
        // A poisoned lock is harmless: the list is never left half changed.
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) = self
            .returned
            .wait_timeout_while(free, self.max_wait, |free| free.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        match free.pop() {
            Some(worker) => Ok(Lease {
                pool: self,
                worker: Some(worker),
            }),
            None => Err(Error::Busy {
                model: self.model,
                workers: self.workers,
                waited: self.max_wait,
            }),
        }
    }
}

/// A worker on loan.
pub(crate) struct Lease<'a, T> {
    pool: &'a Pool<T>,
    worker: Option<T>,
}

impl<T> Deref for Lease<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.worker
            .as_ref()
            .expect("the worker is there until the lease is dropped")
    }
}

impl<T> DerefMut for Lease<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.worker
            .as_mut()
            .expect("the worker is there until the lease is dropped")
    }
}

impl<T> Drop for Lease<'_, T> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(worker);
            self.pool.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_call_waits_for_a_worker_and_no_worker_serves_two() {
        let pool = Pool::new("test", 2, || Ok(AtomicUsize::new(0))).unwrap();
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let worker = pool.take().unwrap();
                        assert_eq!(worker.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        worker.fetch_sub(1, Ordering::SeqCst);
                        served.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 1600);
        assert_eq!(pool.free.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_call_that_waits_too_long_is_told_so() {
        let mut pool = Pool::new("test", 0, || Ok(())).unwrap();
        pool.max_wait = Duration::ZERO;
        let lease = pool.take().unwrap();
        let error = pool.take().err().unwrap();
        assert!(matches!(error, Error::Busy { workers: 1, .. }), "{error}");
        drop(lease);
        assert!(pool.take().is_ok());
    }

    #[test]
    fn a_worker_comes_back_from_a_call_that_panicked() {
        let pool = Pool::new("test", 1, || Ok(())).unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _lease = pool.take().unwrap();
            panic!("the call fails");
        }));
        assert!(caught.is_err());
        assert!(pool.take().is_ok());
    }
}
