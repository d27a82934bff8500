//! Many verifications with one purpose: a batch, or a chunk of a stream. One ledger entry holds them all.
//! An item that cannot be judged gets its own problem; the others are answered.

use std::sync::Arc;

use super::{
    consequence,
    judge::{self, LookupState, QuestionContext},
    judgement::{QuestionJudgement, RecordQuestion},
    question::{AskedPurposeElements, ItemBody},
    verify::EntryPosition,
};
use crate::node::{caller::Caller, write::LedgerAppender};
use crate::{
    foundation::{error::AppError, ids::VerificationId, purpose},
    node::hub::Hub,
};
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};

/// One item: what was asked, or why it could not be read.
pub type ChunkItem<'a, E> = Result<&'a ItemBody<'a>, E>;

/// The answers of one chunk.
pub struct ChunkAnswer<'a, E> {
    /// Names the chunk; item `n` is `{id}-{n}`.
    pub id: VerificationId,
    /// In the order of the items; items that were judged carry their position in the entry.
    pub results: Vec<ItemResult<'a, E>>,
    /// Where the entry stands.
    pub entered: EntryPosition,
}

/// What became of one item.
pub enum ItemResult<'a, E> {
    /// It was answered.
    Answered {
        /// Position in the ledger entry.
        position: usize,
        /// What was found.
        judgement: Box<QuestionJudgement<'a>>,
    },
    /// It was understood and could not be answered.
    Failed(AppError),
    /// It could not be read.
    Unreadable(E),
}

/// Most bytes of the items of one entry; the rest of 65,535 is for the purpose.
const ITEMS_BYTES_MAX: usize = 60_000;

/// Answers the items of one chunk; `dataset` is the one that items without an own one mean.
///
/// # Errors
/// Returns an error if the purpose is wrong, or if the ledger is not accepting entries: then no item may be answered.
pub async fn verify_chunk<'a, E, W: LedgerAppender>(
    hub: &'a Arc<Hub>,
    way: &W,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    dataset: Option<&'a str>,
    items: Vec<ChunkItem<'a, E>>,
) -> Result<ChunkAnswer<'a, E>, AppError> {
    let now_us = hub.clock.now_us();
    let judged = judge_all(hub, &QuestionContext::new(caller, purpose, now_us), dataset, items).await;
    enter_all(hub, way, caller, purpose, now_us, judged).await
}

/// Enters what was judged for one purpose, in one entry.
///
/// # Errors
/// The ledger is not accepting entries: then nothing is told of any item.
pub(crate) async fn enter_all<'a, E, W: LedgerAppender>(
    hub: &Arc<Hub>,
    way: &W,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    now_us: i64,
    judged: Vec<ItemResult<'a, E>>,
) -> Result<ChunkAnswer<'a, E>, AppError> {
    let mut bytes = Vec::with_capacity(256 + judged.len() * 48);
    entry::begin(&mut bytes, EntryKind::Chunk, now_us, caller.agency_number());
    let (mut body, mut count) = (Vec::with_capacity(judged.len() * 48), 0_u16);
    let mut results = Vec::with_capacity(judged.len());
    for result in judged {
        results.push(match result {
            ItemResult::Answered { judgement, .. } if body.len() + judgement.item_bytes() > ITEMS_BYTES_MAX => {
                ItemResult::Failed(AppError::TooManyItems)
            }
            ItemResult::Answered { judgement, .. } => {
                judgement.put(&mut body);
                count += 1;
                hub.node
                    .metrics
                    .verification(judgement.dataset.number, judgement.outcome);
                ItemResult::Answered {
                    position: usize::from(count - 1),
                    judgement,
                }
            }
            other => other,
        });
    }
    entry::put_count(&mut bytes, count);
    bytes.extend_from_slice(&body);
    purpose::seal_into(hub, purpose, &mut bytes)?;
    let entered = enter(hub, way, caller, purpose, now_us, &mut results, bytes).await;
    if entered.is_err() {
        for result in &mut results {
            if let ItemResult::Answered { judgement, .. } = result {
                judgement.charged.give_back();
            }
        }
    }
    let appended = entered?;
    Ok(ChunkAnswer {
        id: VerificationId {
            at_ms: now_us / 1_000,
            node: hub.node.settings.node,
            index: appended.index,
        },
        results,
        entered: EntryPosition {
            index: appended.index,
            leaf: appended.leaf,
        },
    })
}

/// Enters the answers with what they bring.
async fn enter<E, W: LedgerAppender>(
    hub: &Arc<Hub>,
    way: &W,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    now_us: i64,
    results: &mut [ItemResult<'_, E>],
    bytes: Vec<u8>,
) -> Result<AppendedEntry, AppError> {
    let mut judgements: Vec<&mut QuestionJudgement<'_>> = results
        .iter_mut()
        .filter_map(|result| match result {
            ItemResult::Answered { judgement, .. } => Some(&mut **judgement),
            _ => None,
        })
        .collect();
    let consequences: Vec<_> = judgements
        .iter_mut()
        .map(|judgement| judgement.consequence.take().map(|consequence| *consequence))
        .collect();
    if consequences.iter().all(Option::is_none) {
        return way.append(hub, bytes).await;
    }
    let (appended, notes) = consequence::enter(hub, caller, purpose, now_us, consequences, bytes).await?;
    for (judgement, note) in judgements.into_iter().zip(notes) {
        if note.is_some() {
            judgement.mismatch = note;
        }
    }
    Ok(appended)
}

/// Judges every item. Those whose record is in memory are judged at once; the others are asked for together, so that they share
/// queries of the store.
pub(crate) async fn judge_all<'a, E>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    dataset: Option<&'a str>,
    items: Vec<ChunkItem<'a, E>>,
) -> Vec<ItemResult<'a, E>> {
    let (mut judged, mut places, mut waiting) = (Vec::with_capacity(items.len()), Vec::new(), Vec::new());
    for (place, item) in items.into_iter().enumerate() {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                judged.push(ItemResult::Unreadable(error));
                continue;
            }
        };
        let begun = question_of(item, dataset).and_then(|question| judge::begin(hub, asking, question));
        judged.push(match begun {
            Ok(LookupState::Judged(judgement)) => Ok(judgement).into(),
            Ok(LookupState::Waits(one)) => {
                places.push(place);
                waiting.push(one);
                ItemResult::Failed(AppError::Internal("an item was not answered"))
            }
            Err(error) => ItemResult::Failed(error),
        });
    }
    for (place, finished) in places.into_iter().zip(judge::finish_all(hub, asking, waiting).await) {
        if let Some(result) = judged.get_mut(place) {
            *result = finished.into();
        }
    }
    judged
}

fn question_of<'a>(item: &'a ItemBody<'a>, dataset: Option<&'a str>) -> Result<RecordQuestion<'a>, AppError> {
    Ok(RecordQuestion {
        dataset: item
            .dataset
            .as_deref()
            .or(dataset)
            .ok_or_else(|| AppError::fault("/dataset", "missing_member"))?,
        subject: &item.subject,
        claims: &item.claims,
        max_age_s: item.max_age_s.map(|seconds| seconds.0),
    })
}

impl<'a, E> From<Result<QuestionJudgement<'a>, AppError>> for ItemResult<'a, E> {
    fn from(judged: Result<QuestionJudgement<'a>, AppError>) -> Self {
        match judged {
            Ok(judgement) => Self::Answered {
                position: 0,
                judgement: Box::new(judgement),
            },
            Err(error) => Self::Failed(error),
        }
    }
}
