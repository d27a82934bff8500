//! The caller's `traceparent` (W3C Trace Context). It is kept with the task instead of being an argument everywhere, and is passed on to
//! the sources, targets and topics that the call leads to.

use std::sync::Arc;

tokio::task_local! {
    static PARENT: Option<Arc<str>>;
}

/// The name of the header, over HTTP and on the bus.
pub const HEADER: &str = "traceparent";

/// The `traceparent` of the call that this task works for.
pub fn parent() -> Option<Arc<str>> {
    PARENT.try_with(Clone::clone).ok().flatten()
}

/// Does `work` for a call with this `traceparent`; `None`: for one that named none.
pub async fn under<T>(parent: Option<Arc<str>>, work: impl Future<Output = T>) -> T {
    match (&parent, self::parent()) {
        (None, None) => work.await,
        _ => PARENT.scope(parent, work).await,
    }
}

/// `work` as this task would do it: for a task of its own.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    under(parent(), work)
}

/// A text that is a `traceparent` of version 00: nothing else goes on to others.
pub fn read(text: &str) -> Option<Arc<str>> {
    is_traceparent(text).then(|| Arc::from(text))
}

fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hex = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length)?;
        let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.bytes().all(is_hex).then(|| part.bytes().any(|byte| byte != b'0'))
    };
    // Version 00; a trace and a span of zeroes are none.
    let found = (hex(2), hex(32), hex(16), hex(2));
    matches!(found, (Some(false), Some(true), Some(true), Some(_))) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_traceparent_goes_on() {
        assert_eq!(read(GIVEN).as_deref(), Some(GIVEN));
        for text in [
            "",
            "00",
            "11010519491231002X",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn it_goes_with_the_task_and_ends_with_it() {
        assert_eq!(parent(), None);
        under(read(GIVEN), async {
            assert_eq!(parent().as_deref(), Some(GIVEN));
            let own = tokio::spawn(carried(async { parent() })).await;
            assert_eq!(own.ok().flatten().as_deref(), Some(GIVEN));
            under(None, async { assert_eq!(parent(), None) }).await;
        })
        .await;
        assert_eq!(parent(), None);
    }
}
