//! The primitives of this room, which the model of all interleavings replaces by its own.

use std::sync::PoisonError;
#[cfg(feature = "async")]
use std::task::Waker;
use std::time::Instant;

// The flag is our own: a program that models itself with `--cfg loom` gets the real primitives from us.
#[cfg(all(test, sapwood_loom))]
pub(super) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicU8, AtomicUsize, Ordering, fence},
};
#[cfg(not(all(test, sapwood_loom)))]
pub(super) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicU8, AtomicUsize, Ordering, fence},
};

/// Locks. A panic of a stranger's closure under the lock leaves nothing half done here, so poisoning says nothing.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sleeps until notified, or until `deadline`; `Err` with the guard where the deadline has passed.
pub(super) fn sleep<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> Result<MutexGuard<'a, T>, MutexGuard<'a, T>> {
    let Some(deadline) = deadline else {
        return Ok(condvar.wait(guard).unwrap_or_else(PoisonError::into_inner));
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(guard);
    }
    let woken = condvar.wait_timeout(guard, left);
    Ok(woken.unwrap_or_else(PoisonError::into_inner).0)
}

/// Wakes a task. A waker that panics is a fault of its executor: it must neither fail the commit that fires, nor cost others their wake-up.
#[cfg(feature = "async")]
pub(super) fn wake(waker: Waker) {
    let woken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| waker.wake()));
    // The panic hook has reported it.
    drop(woken);
}
