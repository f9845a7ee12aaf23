//! A follower for async code.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Batch, Follow};
use crate::table::Table;

impl<T: Table> Stream for Follow<T> {
    type Item = Batch<T>;

    /// As the iterator, without blocking; for any executor.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Batch<T>>> {
        let this = &mut *self;
        loop {
            if let Some(batch) = this.try_next() {
                this.waiting = None;
                return Poll::Ready(Some(batch));
            }
            if this.waiting.is_none() {
                this.waiting = Some(this.watch().into_future());
            }
            let Some(waiting) = &mut this.waiting else {
                continue;
            };
            match Pin::new(waiting).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(fired) => {
                    this.waiting = None;
                    if fired.is_err() {
                        // What was committed before the end is still told.
                        return Poll::Ready(this.step());
                    }
                }
            }
        }
    }
}
