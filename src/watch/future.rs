//! A watch as a future, for any executor.

use std::borrow::Borrow;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::signal::{Outcome, Ticket};
use super::{Closed, Watch};

/// What `watch.await` and `(&watch).await` wait with: ready when the watch fires, or [`Closed`] with its database or index.
///
/// It needs no runtime: whoever fires the watch wakes the task. To drop it, as a `select!` does with what came second, is to wait no more;
/// with `&watch` the watch itself goes on.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct WatchFuture<W: Borrow<Watch>> {
    watch: W,
    ticket: Option<Ticket>,
}

impl<W: Borrow<Watch> + Unpin> Future for WatchFuture<W> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { watch, ticket } = self.get_mut();
        let watch: &Watch = (*watch).borrow();
        match watch.signal().poll(ticket, context.waker()) {
            Some(Outcome::Fired) => Poll::Ready(Ok(())),
            Some(Outcome::Closed) => Poll::Ready(Err(watch.closed())),
            None => Poll::Pending,
        }
    }
}

impl<W: Borrow<Watch>> Drop for WatchFuture<W> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.watch.borrow().signal().withdraw(ticket);
        }
    }
}

impl IntoFuture for Watch {
    type Output = Result<(), Closed>;
    type IntoFuture = WatchFuture<Self>;

    fn into_future(self) -> Self::IntoFuture {
        WatchFuture {
            watch: self,
            ticket: None,
        }
    }
}

impl IntoFuture for &Watch {
    type Output = Result<(), Closed>;
    type IntoFuture = WatchFuture<Self>;

    fn into_future(self) -> Self::IntoFuture {
        WatchFuture {
            watch: self,
            ticket: None,
        }
    }
}
