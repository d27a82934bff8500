//! The bus of a hub that has no Kafka: topics in memory, each with one partition. What nobody listens to costs nothing and is not
//! kept; a listener that is slow holds up who publishes, never without bound.
//! It forgets all with the process: what must not be lost stands in the store and the ledger, as it does with Kafka.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use heyan_ports::bus::{Bus, BusFault, BusMessage, BusState, BusTopic, PolledMessages, ReceivedMessage, StartAt};

/// Messages that wait in one topic.
const WAITING_MAX: usize = 4_096;

/// Longest wait for messages.
const WAIT: Duration = Duration::from_millis(200);

/// A bus inside the process.
#[derive(Default)]
pub struct LocalBus {
    listeners: Mutex<HashMap<BusTopic, mpsc::Sender<BusMessage>>>,
    inbound: HashMap<BusTopic, InboundTopic>,
}

/// A topic that the hub reads.
#[derive(Default)]
struct InboundTopic {
    log: Mutex<TopicLog>,
    came: Notify,
    taken: Notify,
    start: Mutex<Option<Arc<dyn StartAt>>>,
    is_begun: AtomicBool,
}

#[derive(Default)]
struct TopicLog {
    /// Messages that are not done.
    messages: VecDeque<ReceivedMessage>,
    /// Offset of the next message that is sent.
    end: i64,
    /// Offset of the next message that is received.
    next: i64,
    /// Where the reading began.
    begun: Option<i64>,
}

impl LocalBus {
    /// A bus on which messages may come in on `inbound`.
    pub fn new(inbound: &[BusTopic]) -> Self {
        let inbound = inbound.iter().filter(|topic| topic.is_inbound());
        Self {
            listeners: Mutex::default(),
            inbound: inbound.map(|topic| (*topic, InboundTopic::default())).collect(),
        }
    }

    /// Listens to what is published on a topic from now on; a later listener takes the place of an earlier one.
    pub fn listen(&self, topic: BusTopic) -> mpsc::Receiver<BusMessage> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        self.listeners().insert(topic, sender);
        receiver
    }

    /// Sends a message to the hub; waits while too many wait.
    ///
    /// # Errors
    /// The topic is none that comes in.
    pub async fn send(
        &self,
        topic: BusTopic,
        key: Option<Vec<u8>>,
        headers: Vec<(String, Vec<u8>)>,
        payload: Option<Vec<u8>>,
    ) -> Result<(), BusFault> {
        let inbound = self.inbound(topic)?;
        loop {
            {
                let mut log = inbound.log();
                if log.messages.len() < WAITING_MAX {
                    let offset = log.end;
                    log.end += 1;
                    log.messages.push_back(ReceivedMessage {
                        partition: 0,
                        offset,
                        key,
                        headers,
                        payload,
                        remade: false,
                    });
                    inbound.came.notify_one();
                    return Ok(());
                }
            }
            let _again = tokio::time::timeout(WAIT, inbound.taken.notified()).await;
        }
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, HashMap<BusTopic, mpsc::Sender<BusMessage>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbound(&self, topic: BusTopic) -> Result<&InboundTopic, BusFault> {
        let none = || BusFault::Refused("the topic does not come in".to_owned());
        self.inbound.get(&topic).ok_or_else(none)
    }
}

impl InboundTopic {
    fn log(&self) -> std::sync::MutexGuard<'_, TopicLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, max: usize) -> Vec<ReceivedMessage> {
        let mut log = self.log();
        let next = log.next;
        let waiting = log.messages.iter().filter(|message| message.offset >= next).take(max);
        let mut taken: Vec<ReceivedMessage> = waiting.cloned().collect();
        if let Some(last) = taken.last() {
            log.next = last.offset + 1;
        }
        if let Some(first) = taken.first_mut() {
            first.remade = log.begun.take().is_some_and(|begun| first.offset < begun);
        }
        taken
    }

    async fn begin(&self) -> Result<(), BusFault> {
        if self.is_begun.load(Ordering::Acquire) {
            return Ok(());
        }
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let start = start.ok_or_else(|| BusFault::Refused("the topic was not subscribed to".to_owned()))?;
        let asked = tokio::task::spawn_blocking(move || start.start_at(0)).await;
        let offset = asked.unwrap_or(Err(BusFault::Unavailable))?;
        {
            let mut log = self.log();
            log.begun = offset;
            // A position beyond the end is of a log that went with an earlier process.
            if let Some(offset) = offset.filter(|offset| *offset <= log.end) {
                log.next = offset;
            }
        }
        self.is_begun.store(true, Ordering::Release);
        Ok(())
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn hears(&self, topic: BusTopic) -> bool {
        self.listeners().contains_key(&topic)
    }

    fn brings(&self, topic: BusTopic) -> bool {
        self.inbound.contains_key(&topic)
    }

    async fn publish(&self, messages: Vec<BusMessage>) -> Vec<Result<(), BusFault>> {
        let mut reports = Vec::with_capacity(messages.len());
        for message in messages {
            let listener = self.listeners().get(&message.topic).cloned();
            // A listener that is gone hears nothing, as if it had never been there.
            if let Some(listener) = listener {
                let _gone = listener.send(message).await;
            }
            reports.push(Ok(()));
        }
        reports
    }

    fn subscribe(&self, topic: BusTopic, start: Arc<dyn StartAt>) -> Result<(), BusFault> {
        let inbound = self.inbound(topic)?;
        *inbound.start.lock().unwrap_or_else(PoisonError::into_inner) = Some(start);
        Ok(())
    }

    async fn receive(&self, topic: BusTopic, max: usize) -> Result<PolledMessages, BusFault> {
        let inbound = self.inbound(topic)?;
        inbound.begin().await?;
        let mut messages = inbound.take(max);
        if messages.is_empty() {
            let _nothing = tokio::time::timeout(WAIT, inbound.came.notified()).await;
            messages = inbound.take(max);
        }
        Ok(PolledMessages {
            messages,
            generation: 1,
        })
    }

    async fn done(&self, topic: BusTopic, next: &[(i32, i64)]) {
        let Ok(inbound) = self.inbound(topic) else { return };
        for (_, next) in next {
            inbound.log().messages.retain(|message| message.offset >= *next);
        }
        inbound.taken.notify_one();
    }

    fn state(&self) -> BusState {
        BusState::Local
    }

    fn lag(&self, topic: BusTopic) -> Option<u64> {
        let log = self.inbound.get(&topic)?.log();
        u64::try_from(log.end - log.next).ok()
    }

    async fn close(&self) {
        self.listeners().clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::local::*;

    struct At(Option<i64>);

    impl StartAt for At {
        fn start_at(&self, _partition: i32) -> Result<Option<i64>, BusFault> {
            Ok(self.0)
        }
    }

    fn message() -> BusMessage {
        BusMessage {
            topic: BusTopic::Mismatch,
            key: b"k".to_vec(),
            headers: Vec::new(),
            payload: b"{}".to_vec(),
        }
    }

    #[tokio::test]
    async fn what_nobody_listens_to_is_not_kept_and_a_slow_listener_holds_up_who_publishes() {
        let bus = LocalBus::default();
        assert!(!bus.hears(BusTopic::Mismatch));
        assert!(bus.publish(vec![message(); 10_000]).await.iter().all(Result::is_ok));
        let mut heard = bus.listen(BusTopic::Mismatch);
        assert!(bus.hears(BusTopic::Mismatch) && heard.try_recv().is_err());
        let many = bus.publish(vec![message(); WAITING_MAX + 1]);
        tokio::pin!(many);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), &mut many)
                .await
                .is_err()
        );
        heard.recv().await.unwrap();
        assert_eq!(many.await.len(), WAITING_MAX + 1);
    }

    #[tokio::test]
    async fn reading_begins_at_the_position_and_a_new_log_is_told_from_an_old_one() {
        for (start, offsets, remade) in [
            (None, vec![0, 1, 2], false),
            (Some(2), vec![2], false),
            (Some(9), vec![0, 1, 2], true),
        ] {
            let bus = LocalBus::new(&[BusTopic::Feed]);
            for _ in 0..3 {
                bus.send(BusTopic::Feed, None, vec![], None).await.unwrap();
            }
            bus.subscribe(BusTopic::Feed, Arc::new(At(start))).unwrap();
            let polled = bus.receive(BusTopic::Feed, 10).await.unwrap();
            let found: Vec<i64> = polled.messages.iter().map(|message| message.offset).collect();
            assert_eq!(found, offsets);
            assert_eq!(polled.messages[0].remade, remade);
            bus.done(BusTopic::Feed, &[(0, 3)]).await;
            assert!(bus.receive(BusTopic::Feed, 10).await.unwrap().messages.is_empty());
            assert_eq!(bus.lag(BusTopic::Feed), Some(0));
        }
    }
}
