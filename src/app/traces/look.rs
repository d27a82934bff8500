//! Looks through the ledgers of all nodes for a key, newest first: each node searches its own index and hands out the entries,
//! trimmed to what was found. A node that does not answer, or whose index is behind, is named: nothing is left out in silence.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::index::{blocking, bring_up, failed};
use crate::{
    foundation::error::AppError,
    node::{hub::Hub, peers},
};
use heyan_ledger::{
    entry::{EntryBody, LedgerEntry},
    index::{IndexError, IndexHits, IndexKey, IndexQuery, LedgerPlace},
};

/// Rows that are asked of a node at once, at most.
pub const ROWS_MAX: usize = 500;

/// What is looked for on one node.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TraceQuestion {
    /// Under which key.
    pub key: IndexKey,
    /// Only before this index and position.
    pub below: (u64, u32),
    /// Made at this second or later.
    pub from_s: u32,
    /// Made at this second or earlier.
    pub until_s: u32,
    /// Rows at most.
    pub limit: usize,
}

/// What one node found.
#[derive(Default, Serialize, Deserialize)]
pub struct TraceAnswer {
    /// Index, position and entry (base64) of each, newest first. A chunk is trimmed to the item that was found.
    pub seen: Vec<(u64, u32, String)>,
    /// Whether there may be more below the last.
    pub more: bool,
    /// Entries that the index knows.
    pub covered: u64,
    /// Whether entries on disk were not in the index yet.
    pub behind: bool,
}

/// One entry that was found.
pub struct TraceSighting {
    /// Whose ledger.
    pub origin: Arc<str>,
    /// Number of that node.
    pub node: u16,
    /// Where it stands.
    pub place: LedgerPlace,
    /// The entry; of a chunk, with the item that was found alone.
    pub entry: LedgerEntry,
}

/// Why the answer of a node is missing or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It does not answer.
    Silent,
    /// Its index does not know its newest entries yet.
    Behind,
}

impl Lack {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Behind => "behind",
        }
    }
}

/// How far each ledger was read: everything before the place is still to come.
pub type LedgerMarks = BTreeMap<String, (u64, u32)>;

/// The entries of all nodes about one key.
pub struct TraceLook<'h> {
    hub: &'h Arc<Hub>,
    question: TraceQuestion,
    nodes: Vec<TraceNode>,
    /// Nodes whose answer is missing or short.
    pub lacks: Vec<(Arc<str>, Lack)>,
}

struct TraceNode {
    origin: Arc<str>,
    number: u16,
    below: LedgerPlace,
    waiting: VecDeque<TraceSighting>,
    ended: bool,
}

/// Searches this node's own ledger.
///
/// # Errors
/// The ledger or its index cannot be read.
pub async fn own(hub: &Arc<Hub>, question: TraceQuestion) -> Result<TraceAnswer, AppError> {
    blocking(hub, move |hub| search(hub, question)).await
}

fn search(hub: &Hub, question: TraceQuestion) -> Result<TraceAnswer, AppError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (index, position) = question.below;
    let wanted = IndexQuery {
        key: question.key,
        below: LedgerPlace { index, position },
        from_s: question.from_s,
        until_s: question.until_s,
        limit: question.limit.clamp(1, ROWS_MAX),
    };
    let mut is_up = bring_up(hub)?;
    let found = match hub.node.index.look_up(&wanted) {
        Err(IndexError::Rebuilding) => {
            is_up = false;
            IndexHits::default()
        }
        found => found.map_err(failed)?,
    };
    let mut seen = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        let lost = AppError::Internal("the index names an entry that the ledger does not hold");
        let bytes = hub.ledger.entry(row.place.index)?.ok_or(lost)?;
        let Some(entry) = LedgerEntry::decode(&bytes) else {
            continue;
        };
        let trimmed = trimmed(entry, row.place.position).encode();
        seen.push((row.place.index, row.place.position, STANDARD.encode(trimmed)));
    }
    Ok(TraceAnswer {
        more: found.rows.len() == wanted.limit,
        seen,
        covered: found.covered,
        behind: !is_up,
    })
}

/// The entry with the one item that was found: what else was asked with it is of other subjects.
fn trimmed(mut entry: LedgerEntry, position: u32) -> LedgerEntry {
    let place = usize::try_from(position).unwrap_or(usize::MAX);
    match &mut entry.body {
        EntryBody::Items(items) if items.len() > 1 => *items = items.get(place).cloned().into_iter().collect(),
        EntryBody::Records { records, .. } if records.len() > 1 => {
            *records = records.get(place).copied().into_iter().collect();
        }
        _ => {}
    }
    entry
}

impl<'h> TraceLook<'h> {
    /// Begins to look, below the marks of an earlier look; `limit` rows are asked of a node at once.
    ///
    /// # Errors
    /// The store could not be asked which nodes there are.
    pub async fn new(
        hub: &'h Arc<Hub>,
        key: IndexKey,
        seconds: (u32, u32),
        marks: &LedgerMarks,
        limit: usize,
    ) -> Result<Self, AppError> {
        let node = |(origin, number): (String, u16)| {
            let (index, position) = marks.get(&origin).copied().unwrap_or((u64::MAX, 0));
            TraceNode {
                below: LedgerPlace { index, position },
                origin: origin.into(),
                number,
                waiting: VecDeque::new(),
                ended: false,
            }
        };
        Ok(Self {
            hub,
            question: TraceQuestion {
                key,
                below: (0, 0),
                from_s: seconds.0,
                until_s: seconds.1,
                limit,
            },
            nodes: peers::all(hub).await?.into_iter().map(node).collect(),
            lacks: Vec::new(),
        })
    }

    /// How far it has looked.
    pub fn marks(&self) -> LedgerMarks {
        let mark = |node: &TraceNode| (node.origin.to_string(), (node.below.index, node.below.position));
        self.nodes.iter().map(mark).collect()
    }

    /// The newest entry that was not told yet.
    ///
    /// # Errors
    /// This node's own ledger cannot be read, or the store cannot be asked.
    pub async fn next(&mut self) -> Result<Option<TraceSighting>, AppError> {
        self.fill().await?;
        let newest = |node: &&mut TraceNode| node.waiting.front().map(|seen| (seen.entry.at_us, seen.place));
        let nodes = self.nodes.iter_mut().filter(|node| !node.waiting.is_empty());
        let Some(node) = nodes.max_by_key(newest) else {
            return Ok(None);
        };
        let seen = node.waiting.pop_front();
        if let Some(seen) = &seen {
            node.below = seen.place;
        }
        Ok(seen)
    }

    /// Asks each node of which nothing waits, all at once.
    async fn fill(&mut self) -> Result<(), AppError> {
        let (hub, question) = (self.hub, self.question);
        let wants = |node: &&mut TraceNode| node.waiting.is_empty() && !node.ended;
        let asked = self.nodes.iter_mut().filter(wants).map(async |node| {
            let question = TraceQuestion {
                below: (node.below.index, node.below.position),
                ..question
            };
            let answer = peers::look(hub, &node.origin, question).await;
            (node, answer)
        });
        for (node, answer) in join_all(asked).await {
            match answer {
                Ok(answer) => {
                    let lack = (Arc::clone(&node.origin), Lack::Behind);
                    if answer.behind && !self.lacks.contains(&lack) {
                        self.lacks.push(lack);
                    }
                    node.take(answer)?;
                }
                Err(AppError::NodeSilent) => {
                    self.lacks.push((Arc::clone(&node.origin), Lack::Silent));
                    node.ended = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl TraceNode {
    fn take(&mut self, answer: TraceAnswer) -> Result<(), AppError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        const UNREADABLE: AppError = AppError::Internal("another node's look cannot be read");
        self.ended = !answer.more;
        // What is entered from now on is not for later pages.
        self.below = self.below.min(LedgerPlace::before(answer.covered));
        for (index, position, entry) in answer.seen {
            let bytes = STANDARD.decode(entry).map_err(|_why| UNREADABLE)?;
            self.waiting.push_back(TraceSighting {
                origin: Arc::clone(&self.origin),
                node: self.number,
                place: LedgerPlace { index, position },
                entry: LedgerEntry::decode(&bytes).ok_or(UNREADABLE)?,
            });
        }
        Ok(())
    }
}
