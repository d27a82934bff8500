//! What nodes that share a store say to each other, as text: a payload is who says it, a blank, then words of a letter, a colon and
//! what it is about, with a blank between. A notice is a hint of what to read again, and never holds a value or an identifier.

use heyan_ports::{
    access::{AgencyRow, ClientRow, GrantRow},
    commit::ForgivenSubject,
    deliveries::{DeliveryRow, EventRow, SubscriptionRow},
    guesses::GuessRow,
    items::ItemRow,
    mismatches::MismatchWrite,
};
use std::collections::BTreeSet;

use super::batch::{CommitBatch, hex};
use heyan_ports::{nodes::NodeNotice, subject::SubjectKey};

/// Bytes of one payload; PostgreSQL takes 7,999.
const PAYLOAD_BYTES: usize = 7_900;

/// Payloads of one transaction, beyond which one says that everything must be read again.
const PAYLOADS_MAX: usize = 32;

/// What the transaction of `batches`, which are one node's, has to say.
pub(super) fn payloads(batches: &[&CommitBatch]) -> Vec<String> {
    let sender = batches.first().map_or("", |batch| &*batch.node.run);
    let mut said = CombinedNotice::default();
    for batch in batches {
        said.add(batch);
    }
    let payloads = said.written(sender);
    match payloads.len() > PAYLOADS_MAX {
        true => vec![format!("{sender} x")],
        false => payloads,
    }
}

/// What a node takes in of its own words too: cheap to take in twice, and wrong to miss.
const TOLD_TO_ITSELF: [&str; 4] = ["s", "a", "u", "i"];

/// A beat of this node.
pub(super) fn beat(sender: &str, number: u64) -> String {
    format!("{sender} b:{number}")
}

/// That the node of `origin` is asked something.
pub(super) fn asked(sender: &str, origin: &str) -> String {
    format!("{sender} q:{origin}")
}

/// That a question is answered.
pub(super) fn answered(sender: &str, id: &str) -> String {
    format!("{sender} r:{id}")
}

/// What several commits have to say, each thing once.
#[derive(Default)]
struct CombinedNotice {
    stamps: BTreeSet<u16>,
    pending: BTreeSet<SubjectKey>,
    words: BTreeSet<char>,
}

impl CombinedNotice {
    fn add(&mut self, batch: &CommitBatch) {
        let commit = &*batch.commit;
        self.stamps.extend(&commit.stamps);
        self.pending
            .extend(commit.rows::<MismatchWrite>().map(|write| write.row.subject));
        self.pending
            .extend(commit.rows::<GuessRow>().map(|guess| guess.subject));
        self.pending
            .extend(commit.rows::<ForgivenSubject>().map(|forgiven| forgiven.0));
        if !(commit.lacks::<AgencyRow>() && commit.lacks::<ClientRow>() && commit.lacks::<GrantRow>()) {
            self.words.insert('a');
        }
        if !commit.lacks::<ItemRow>() {
            self.words.insert('i');
        }
        if !commit.lacks::<SubscriptionRow>() {
            self.words.insert('u');
        }
        if !(commit.lacks::<EventRow>() && commit.lacks::<DeliveryRow>()) {
            self.words.insert('e');
        }
    }

    fn written(&self, sender: &str) -> Vec<String> {
        let words = self.words.iter().map(|word| word.to_string());
        let stamps = words_of('s', self.stamps.iter().map(|bucket| format!("{bucket:04x}")));
        let pending = words_of('p', self.pending.iter().map(|subject| hex(*subject)));
        let mut payloads: Vec<String> = Vec::new();
        for word in stamps.into_iter().chain(pending).chain(words) {
            match payloads.last_mut() {
                Some(last) if last.len() + 1 + word.len() <= PAYLOAD_BYTES => {
                    last.push(' ');
                    last.push_str(&word);
                }
                _ => payloads.push(format!("{sender} {word}")),
            }
        }
        payloads
    }
}

/// Words of one letter, each short enough for one payload.
fn words_of(letter: char, items: impl Iterator<Item = String>) -> Vec<String> {
    const WORD_BYTES: usize = PAYLOAD_BYTES - 200;
    let mut words: Vec<String> = Vec::new();
    for item in items {
        match words.last_mut() {
            Some(last) if last.len() + item.len() <= WORD_BYTES => last.push_str(&item),
            _ => words.push(format!("{letter}:{item}")),
        }
    }
    words
}

/// What a payload says to the node `own`. What is not understood (a newer release may say more) means that everything must be read
/// again.
pub(super) fn heard(own: &str, payload: &str) -> Vec<NodeNotice> {
    let mut words = payload.split(' ');
    let sender = words.next().unwrap_or_default();
    let mut notices = Vec::new();
    for word in words {
        let (letter, about) = word.split_once(':').unwrap_or((word, ""));
        let notice = match letter {
            "b" if sender != own => continue,
            "b" => about.parse().ok().map(NodeNotice::Beat),
            // A commit whose outcome this node never learned may stand: its own word is how it hears of that.
            _ if sender == own && !TOLD_TO_ITSELF.contains(&letter) => continue,
            "s" => buckets(about).map(NodeNotice::Stamps),
            "p" => subjects(about).map(NodeNotice::Pending),
            // A run is named after its node.
            "q" if own.split('/').next() != Some(about) => continue,
            "q" => Some(NodeNotice::Asked),
            "r" => Some(NodeNotice::Answered(about.to_owned())),
            "a" => Some(NodeNotice::Access),
            "i" => Some(NodeNotice::Items),
            "u" => Some(NodeNotice::Subscriptions),
            "e" => Some(NodeNotice::Events),
            _ => None,
        };
        notices.push(notice.unwrap_or(NodeNotice::Everything));
    }
    notices
}

fn buckets(text: &str) -> Option<Vec<u16>> {
    let digits = text.as_bytes().chunks(4);
    let bucket = |digits: &[u8]| {
        let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == 4)?;
        u16::from_str_radix(text, 16).ok()
    };
    digits.map(bucket).collect()
}

fn subjects(text: &str) -> Option<Vec<SubjectKey>> {
    let subject = |digits: &[u8]| {
        let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == 32)?;
        u128::from_str_radix(text, 16)
            .ok()
            .map(|number| SubjectKey(number.to_be_bytes()))
    };
    text.as_bytes().chunks(32).map(subject).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::StoreNode;
    use heyan_ports::commit::Commit;

    fn said(commit: Commit) -> Vec<NodeNotice> {
        let node = StoreNode {
            origin: "one".into(),
            run: "one".into(),
        };
        let batch = CommitBatch::of(std::sync::Arc::new(commit), &std::sync::Arc::new(node));
        let payloads = payloads(&[&batch]);
        assert!(payloads.iter().all(|payload| payload.len() < 8_000));
        payloads.iter().flat_map(|payload| heard("other", payload)).collect()
    }

    #[test]
    fn what_one_node_says_is_what_another_hears() {
        let mut commit = Commit::default()
            .with(ForgivenSubject(SubjectKey([0xab; 16])))
            .with(ItemRow {
                code: "c".to_owned(),
                version: 1,
                body: String::new(),
                updated_at: 0,
            })
            .with(GrantRow {
                id: "grt_1".to_owned(),
                agency: "a".to_owned(),
                dataset: "d".to_owned(),
                fields: vec![],
                operations: vec![],
                item_codes: vec![],
                valid_from: 0,
                valid_until: None,
                daily_ceiling: None,
                networks: vec![],
                revoked_at: None,
                created_at: 0,
            });
        commit.stamps = vec![0xffff, 3, 3];
        let heard_all = said(commit);
        let expected = [
            NodeNotice::Stamps(vec![3, 0xffff]),
            NodeNotice::Pending(vec![SubjectKey([0xab; 16])]),
            NodeNotice::Access,
            NodeNotice::Items,
        ];
        assert!(heard_all == expected);
        assert!(said(Commit::default()).is_empty());
    }

    #[test]
    fn a_long_list_takes_several_payloads_and_a_very_long_one_says_everything() {
        let stamps = |count: u16| Commit {
            stamps: (0..count).collect(),
            ..Commit::default()
        };
        let mut all = Vec::new();
        for notice in said(stamps(5_000)) {
            match notice {
                NodeNotice::Stamps(buckets) => all.extend(buckets),
                _ => panic!("not of stamps"),
            }
        }
        assert_eq!(all, (0..5_000).collect::<Vec<u16>>());
        let forgiven = (0..20_000_u128).map(|n| ForgivenSubject(SubjectKey(n.to_be_bytes())));
        let everything = said(Commit::default().with(forgiven.collect::<Vec<_>>()));
        assert!(everything == [NodeNotice::Everything]);
    }

    #[test]
    fn a_node_hears_of_itself_its_beats_and_what_it_may_not_know() {
        assert!(heard("one", &beat("one", 7)) == [NodeNotice::Beat(7)]);
        assert!(heard("one", &beat("two", 7)).is_empty());
        assert!(heard("one", "one s:0003 e") == [NodeNotice::Stamps(vec![3])]);
        assert!(heard("hub-1/x", &asked("hub-2/y", "hub-1")) == [NodeNotice::Asked]);
        assert!(heard("hub-1/x", &asked("hub-2/y", "hub-3")).is_empty());
        assert!(heard("hub-1/x", &answered("hub-2/y", "i")) == [NodeNotice::Answered("i".to_owned())]);
        for unknown in ["two z:1", "two s:12", "two p:zz", "two s:00+1"] {
            assert!(heard("one", unknown) == [NodeNotice::Everything], "{unknown}");
        }
    }
}
