//! Lets the server read on before a handler waits for its body. Most bodies come with their head: they are there as soon as the
//! server has read on, which it does right behind the first poll of the handler, and it polls again then. A handler that asks
//! for a wake-up instead pays a second turn of its connection, and one that sets a timer pays that too.
//!
//! actix-web polls again only where there was more to read. So whoever waits here is also kept in a list, and woken from it
//! by a clock that nobody pays for: late, and only when nothing else woke him.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

/// How long who was not polled again waits at most.
const TICK: Duration = Duration::from_millis(100);

/// Who waits for the next turn, of one worker thread.
#[derive(Default)]
pub(super) struct TurnWaiters {
    list: Rc<RefCell<WaitList>>,
    ticks: Cell<bool>,
}

#[derive(Default)]
struct WaitList {
    waiting: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl WaitList {
    fn add(&mut self, waker: Waker) -> usize {
        match self.free.pop() {
            Some(place) => {
                if let Some(at) = self.waiting.get_mut(place) {
                    *at = Some(waker);
                }
                place
            }
            None => {
                self.waiting.push(Some(waker));
                self.waiting.len() - 1
            }
        }
    }

    fn remove(&mut self, place: usize) {
        if let Some(at) = self.waiting.get_mut(place) {
            *at = None;
            self.free.push(place);
        }
    }
}

/// A place in the list, given back however the wait ends.
struct ListPlace<'a> {
    list: &'a RefCell<WaitList>,
    place: Option<usize>,
}

impl Drop for ListPlace<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.list.borrow_mut().remove(place);
        }
    }
}

impl TurnWaiters {
    /// Waits for the next turn of the task that asks, or for the clock.
    pub(super) async fn next(&self) {
        self.tick();
        let mut listed = ListPlace {
            list: &self.list,
            place: None,
        };
        poll_fn(|context| {
            if listed.place.is_some() {
                return Poll::Ready(());
            }
            listed.place = Some(self.list.borrow_mut().add(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Starts the clock, once.
    fn tick(&self) {
        if self.ticks.replace(true) {
            return;
        }
        let list = Rc::clone(&self.list);
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let waiting: Vec<Waker> = list.borrow().waiting.iter().flatten().cloned().collect();
                waiting.into_iter().for_each(Waker::wake);
            }
        });
    }
}
