//! A hub that starts with a wrong clock doubts it before it deletes anything, whatever it enters at its start; and grants that have begun
//! hold by a clock that was set back.

use std::{sync::Arc, time::Duration};

use heyan::ports::outward::NoConnectors;
use serde_json::json;

use crate::common::{ShiftedClock, TestHub, person, question};

const DAY_S: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_at_a_start_is_doubted_although_the_start_makes_entries() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let mut folder = hub.stop().await;
    for (days, text) in [(32, "one"), (-3_652, "two")] {
        // Other rules than last time: the start enters them, by its own clock.
        let rules = folder.path().join("supervision.toml");
        let shipped = include_str!("../../config/supervision.toml");
        std::fs::write(&rules, format!("{shipped}\n# {text}\n")).unwrap();
        let clock = Arc::new(ShiftedClock::default());
        clock.forward_s(days * DAY_S);
        let hub = TestHub::open_at(folder, Arc::new(NoConnectors), clock, |config| {
            config.supervision.rules_file = rules.clone();
        });
        let hub = Box::pin(hub).await;
        let health = &hub.hub.node.health;
        let looked = async {
            while health.clock_looks() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looked).await.unwrap();
        assert!(health.is_clock_unchecked(), "{days} days");
        let (status, answer) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
        assert_eq!(
            (status, answer["outcome"].as_str()),
            (200, Some("verified")),
            "{days} days: {answer}"
        );
        folder = hub.stop().await;
    }
}
