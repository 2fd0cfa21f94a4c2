//! A fixed set of model copies that calls take turns on.
//!
//! A session runs one inference at a time. Each copy costs its model's weights in memory, so there
//! are as many as were asked for. A call that finds none free waits in line, up to [`MAX_WAIT`];
//! the line is as long as there are threads that call.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
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
    line: Mutex<Line<T>>,
    moved: Condvar,
}

#[derive(Debug)]
struct Line<T> {
    free: Vec<T>,
    /// The numbers of the calls that wait, in order of arrival.
    waiting: VecDeque<u64>,
    next_number: u64,
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
        let line = Mutex::new(Line {
            free,
            waiting: VecDeque::new(),
            next_number: 0,
        });
        Ok(Self {
            model,
            workers,
            max_wait: MAX_WAIT,
            line,
            moved: Condvar::new(),
        })
    }

    /// Takes a worker, waiting for one if all are busy: first come, first served, so that a call
    /// that needs a worker many times in a row does not starve the others. The worker goes back
    /// when the lease is dropped.
    pub(crate) fn take(&self) -> Result<Lease<'_, T>, Error> {
        let mut line = self.lock();
        let number = line.next_number;
        line.next_number += 1;
        line.waiting.push_back(number);
        let is_blocked =
            |line: &mut Line<T>| line.free.is_empty() || line.waiting.front() != Some(&number);
        let (mut line, _) = self
            .moved
            .wait_timeout_while(line, self.max_wait, is_blocked)
            .unwrap_or_else(PoisonError::into_inner);
        let is_next = !is_blocked(&mut line);
        line.waiting.retain(|waiting| *waiting != number);
        let worker = if is_next { line.free.pop() } else { None };
        drop(line);
        // Whoever is next now may find another worker free.
        self.moved.notify_all();
        match worker {
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

    fn lock(&self) -> MutexGuard<'_, Line<T>> {
        // A poisoned lock is harmless: the line is never left half changed.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
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
            self.pool.lock().free.push(worker);
            self.pool.moved.notify_all();
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
        let line = pool.lock();
        assert_eq!((line.free.len(), line.waiting.len()), (2, 0));
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
    fn a_call_that_comes_back_at_once_stands_behind_those_that_wait() {
        let pool = Pool::new("test", 1, || Ok(())).unwrap();
        let order = Mutex::new(Vec::new());
        let lease = pool.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _lease = pool.take().unwrap();
                order.lock().unwrap().push("waited");
            });
            while pool.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            drop(lease);
            let _lease = pool.take().unwrap();
            order.lock().unwrap().push("came back");
        });
        assert_eq!(order.into_inner().unwrap(), ["waited", "came back"]);
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
