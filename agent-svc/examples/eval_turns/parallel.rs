//! Work on several threads, each with models of its own.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Context as _;

pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work for each item and gives what came of it in their order. Each thread makes its tools
/// once.
pub(crate) fn in_parallel<Item: Sync, Tools, Outcome: Send>(
    items: &[Item],
    tools: impl Fn() -> anyhow::Result<Tools> + Sync,
    work: impl Fn(&Tools, &Item) -> anyhow::Result<Outcome> + Sync,
) -> anyhow::Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(items.len()));
    let work_on = || -> anyhow::Result<()> {
        let tools = tools()?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return Ok(());
            };
            let outcome = work(&tools, item)?;
            let mut outcomes = outcomes.lock().ok().context("another thread failed")?;
            outcomes.push((index, outcome));
        }
    };
    thread::scope(|scope| {
        let count = threads().min(items.len());
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work_on)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().ok().context("a thread failed")?)
    })?;
    let mut outcomes = outcomes.into_inner().ok().context("a thread failed")?;
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_in_order_and_the_first_failure_ends_it() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = in_parallel(&items, || Ok(2_u32), |factor, item| Ok(factor * item)).unwrap();
        assert!(
            doubled
                .iter()
                .enumerate()
                .all(|(index, item)| *item == 2 * index as u32)
        );
        let odd = |_: &(), item: &u32| {
            anyhow::ensure!(*item != 7, "seven");
            Ok(())
        };
        assert_eq!(
            in_parallel(&items, || Ok(()), odd).unwrap_err().to_string(),
            "seven"
        );
    }
}
