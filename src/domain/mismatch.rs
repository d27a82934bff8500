//! The life of a mismatch (不一致): from the answer that opened it to an end, one consuming transition a step.
//! Pure: it says what becomes of a state and an action, never who may act on which mismatch, and never when.
//!
//! ```text
//! open ─ accept_record → record_accepted ─ delivered → closed
//!   │  └ settle / report_false_claim / close → closed        closed, upheld ─ reopen → open
//!   └ propose_correction → disputed ─ approve → corrected ─ delivered → closed
//!                                  └ reject → upheld
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values proposed for a record, with what supports them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordProposal {
    /// Field → the value that the record should hold.
    pub fields: BTreeMap<String, String>,
    /// References to evidence, in the agency's own words.
    pub evidence: Vec<String>,
}

crate::words! {
    /// How a mismatch came to its end.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ClosingReason {
        /// A later verification of the same application matched.
        Settled = "settled",
        /// The agency took the record's values, and has received them.
        RecordAccepted = "record_accepted",
        /// The record was corrected, and everyone who had to hear of it has, or is visibly unreachable.
        Corrected = "corrected",
        /// The agency reported a false claim.
        FalseClaim = "false_claim",
        /// Someone closed it, with a reason.
        Closed = "closed",
    }
}

/// Where a mismatch stands; each state has the facts that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MismatchState {
    /// Nobody has decided yet.
    Open,
    /// The record's values are on their way to the agency.
    RecordAccepted,
    /// The agency says that the record is wrong; the authority decides.
    Disputed {
        /// What it proposes.
        proposal: RecordProposal,
    },
    /// The record was corrected; the new version is on its way.
    Corrected {
        /// The version that holds the correction.
        version: u32,
    },
    /// The authority stands by the record.
    Upheld,
    /// Over.
    Closed {
        /// How.
        how: ClosingReason,
    },
}

/// Every state's word, for filters and metrics.
pub const STATES: [&str; 6] = ["open", "record_accepted", "disputed", "corrected", "upheld", "closed"];

impl MismatchState {
    /// The wire word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::RecordAccepted => "record_accepted",
            Self::Disputed { .. } => "disputed",
            Self::Corrected { .. } => "corrected",
            Self::Upheld => "upheld",
            Self::Closed { .. } => "closed",
        }
    }

    /// Whether nobody has to do anything more, unless it is reopened.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Upheld | Self::Closed { .. })
    }

    /// Whether someone's working days are counted: the agency's while it is open, the authority's while it is disputed.
    pub const fn has_due_date(&self) -> bool {
        matches!(self, Self::Open | Self::Disputed { .. })
    }

    /// Whether the step that was taken is over when its deliveries are.
    pub const fn awaits_delivery(&self) -> bool {
        matches!(self, Self::RecordAccepted | Self::Corrected { .. })
    }
}

/// What is done to a mismatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The agency takes the record's values.
    AcceptRecord,
    /// The agency says that the record is wrong.
    ProposeCorrection(RecordProposal),
    /// The authority corrects the record; the version is the one that holds the correction.
    Approve {
        /// New version.
        version: u32,
    },
    /// The authority stands by the record.
    Reject,
    /// The agency reports a false claim.
    ReportFalseClaim,
    /// Someone takes it up again.
    Reopen,
    /// Someone ends it.
    Close,
    /// A later verification of the same application matched.
    Settle,
    /// Every delivery of the step is confirmed or visibly dead.
    Delivered,
}

crate::words! {
    /// Who acts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum MismatchActor {
        /// The agency whose application it is.
        Agency = "agency",
        /// The authority of the dataset.
        Authority = "authority",
        /// The hub itself.
        Hub = "hub",
    }
}

/// Why an action is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The action is for another party.
    OtherParty,
    /// The state does not allow it.
    NotNow,
}

impl Action {
    /// The wire word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AcceptRecord => "accept_record",
            Self::ProposeCorrection(_) => "propose_correction",
            Self::Approve { .. } => "approve",
            Self::Reject => "reject",
            Self::ReportFalseClaim => "report_false_claim",
            Self::Reopen => "reopen",
            Self::Close => "close",
            Self::Settle => "settle",
            Self::Delivered => "delivered",
        }
    }

    /// Whether `actor` may take it at all, whatever the state.
    pub(crate) const fn is_for(&self, actor: MismatchActor) -> bool {
        match self {
            Self::AcceptRecord | Self::ProposeCorrection(_) | Self::ReportFalseClaim => {
                matches!(actor, MismatchActor::Agency)
            }
            Self::Approve { .. } | Self::Reject => matches!(actor, MismatchActor::Authority),
            Self::Reopen | Self::Close => matches!(actor, MismatchActor::Agency | MismatchActor::Authority),
            Self::Settle | Self::Delivered => matches!(actor, MismatchActor::Hub),
        }
    }
}

impl MismatchState {
    /// What becomes of the state when `actor` takes `action`.
    ///
    /// # Errors
    /// The action is for another party, or the state does not allow it.
    pub fn take(self, action: Action, actor: MismatchActor) -> Result<Self, NotTaken> {
        if !action.is_for(actor) {
            return Err(NotTaken::OtherParty);
        }
        let closed = |how| Ok(Self::Closed { how });
        match (self, action) {
            (Self::Open | Self::Upheld, Action::AcceptRecord) => Ok(Self::RecordAccepted),
            (Self::Open | Self::Upheld, Action::ProposeCorrection(proposal)) => Ok(Self::Disputed { proposal }),
            (Self::Open | Self::Upheld, Action::ReportFalseClaim) => closed(ClosingReason::FalseClaim),
            (Self::Open | Self::Upheld, Action::Settle) => closed(ClosingReason::Settled),
            (Self::Disputed { .. }, Action::Approve { version }) => Ok(Self::Corrected { version }),
            (Self::Disputed { .. }, Action::Reject) => Ok(Self::Upheld),
            (Self::RecordAccepted, Action::Delivered) => closed(ClosingReason::RecordAccepted),
            (Self::Corrected { .. }, Action::Delivered) => closed(ClosingReason::Corrected),
            (Self::Open | Self::Upheld | Self::Disputed { .. } | Self::RecordAccepted, Action::Close) => {
                closed(ClosingReason::Closed)
            }
            (Self::Closed { .. } | Self::Upheld, Action::Reopen) => Ok(Self::Open),
            _ => Err(NotTaken::NotNow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proposal() -> RecordProposal {
        RecordProposal {
            fields: [("name".to_owned(), "王小明".to_owned())].into(),
            evidence: vec!["户口簿".to_owned()],
        }
    }

    fn states() -> [MismatchState; 7] {
        [
            MismatchState::Open,
            MismatchState::RecordAccepted,
            MismatchState::Disputed { proposal: proposal() },
            MismatchState::Corrected { version: 2 },
            MismatchState::Upheld,
            MismatchState::Closed {
                how: ClosingReason::Settled,
            },
            MismatchState::Closed {
                how: ClosingReason::Closed,
            },
        ]
    }

    fn actions() -> [Action; 9] {
        [
            Action::AcceptRecord,
            Action::ProposeCorrection(proposal()),
            Action::Approve { version: 2 },
            Action::Reject,
            Action::ReportFalseClaim,
            Action::Reopen,
            Action::Close,
            Action::Settle,
            Action::Delivered,
        ]
    }

    /// The table of CONTRACT §5, written down again: state, action, result.
    #[test]
    fn every_pair_of_state_and_action_is_as_the_contract_says() {
        let expected = [
            ("open", "accept_record", "record_accepted"),
            ("open", "propose_correction", "disputed"),
            ("open", "report_false_claim", "closed"),
            ("open", "settle", "closed"),
            ("open", "close", "closed"),
            ("record_accepted", "delivered", "closed"),
            ("record_accepted", "close", "closed"),
            ("disputed", "approve", "corrected"),
            ("disputed", "reject", "upheld"),
            ("disputed", "close", "closed"),
            ("corrected", "delivered", "closed"),
            ("upheld", "accept_record", "record_accepted"),
            ("upheld", "propose_correction", "disputed"),
            ("upheld", "report_false_claim", "closed"),
            ("upheld", "settle", "closed"),
            ("upheld", "close", "closed"),
            ("upheld", "reopen", "open"),
            ("closed", "reopen", "open"),
        ];
        for state in states() {
            for action in actions() {
                let actor = [MismatchActor::Agency, MismatchActor::Authority, MismatchActor::Hub]
                    .into_iter()
                    .find(|actor| action.is_for(*actor))
                    .unwrap();
                let (from, word) = (state.as_str(), action.as_str());
                let got = state.clone().take(action, actor);
                let want = expected
                    .iter()
                    .find(|(state, action, _)| *state == from && *action == word);
                match want {
                    Some((_, _, to)) => assert_eq!(got.unwrap().as_str(), *to, "{from} {word}"),
                    None => assert_eq!(got, Err(NotTaken::NotNow), "{from} {word}"),
                }
            }
        }
    }

    #[test]
    fn no_party_acts_for_another() {
        for (word, agency, authority) in [
            ("accept_record", true, false),
            ("propose_correction", true, false),
            ("report_false_claim", true, false),
            ("approve", false, true),
            ("reject", false, true),
            ("reopen", true, true),
            ("close", true, true),
            ("settle", false, false),
            ("delivered", false, false),
        ] {
            let action = actions().into_iter().find(|action| action.as_str() == word).unwrap();
            assert_eq!(
                (
                    action.is_for(MismatchActor::Agency),
                    action.is_for(MismatchActor::Authority)
                ),
                (agency, authority)
            );
        }
    }

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        for state in states() {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<MismatchState>(&text).unwrap(), state);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_done_a_final_state_is_left_only_by_reopening_or_taking_it_up(steps in proptest::collection::vec(0usize..9, 0..40)) {
            let mut state = MismatchState::Open;
            for step in steps {
                let action = actions()[step].clone();
                let actor = [MismatchActor::Agency, MismatchActor::Authority, MismatchActor::Hub].into_iter().find(|a| action.is_for(*a)).unwrap();
                let before = state.clone();
                if let Ok(next) = state.clone().take(action.clone(), actor) {
                    if matches!(before, MismatchState::Closed { .. }) {
                        prop_assert_eq!(action, Action::Reopen);
                    }
                    state = next;
                }
            }
        }
    }
}
