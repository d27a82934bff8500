//! Searches the ledgers of all nodes for a key, newest first. Each node searches its own index and returns the entries, reduced to
//! what was found. A node that does not answer, or whose index is behind, is reported: nothing is left out silently.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::own::{TraceAnswer, TraceQuestion};
use crate::{
    foundation::error::AppError,
    node::{hub::Hub, peers},
};
use futures_util::future::join_all;
use heyan_ledger::{
    entry::LedgerEntry,
    index::{IndexKey, LedgerPlace},
};

/// One entry that was found.
pub struct TraceSighting {
    /// Whose ledger.
    pub origin: Arc<str>,
    /// Number of that node.
    pub node: u16,
    /// Position of the entry in that node's ledger.
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
        const UNREADABLE: AppError = AppError::Internal("another node's search result cannot be read");
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
