//! For unit tests of the asynchronous parts that need no host.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The result of a future that never waits.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing in this test waits"),
    }
}
