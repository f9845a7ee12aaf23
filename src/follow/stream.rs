//! A follower for async code.

use std::future::Future;
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
            // A watch from an older step has fired, and is replaced by one on the newest state.
            let watch = match this.waiting.take() {
                Some(watch) if !watch.is_fired() => watch,
                _ => this.watch(),
            };
            let ended = match Pin::new(&mut (&watch).into_future()).poll(context) {
                Poll::Pending => {
                    this.waiting = Some(watch);
                    return Poll::Pending;
                }
                Poll::Ready(ended) => ended.is_err(),
            };
            if ended {
                return Poll::Ready(this.step());
            }
        }
    }
}
