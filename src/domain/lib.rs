//! The pure core: identifiers, folding, comparison, predicates, masking, and what a caller may ask.
//! Nothing here reads a clock, a file or the network; the tables of `config/reference` are compiled in.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod breaker;
pub mod budget;
pub mod calendar;
pub mod compare;
pub mod delivery;
pub mod division;
pub mod fault;
pub mod fold;
pub mod identifier;
pub mod json;
pub mod label;
pub mod licence;
pub mod mask;
pub mod mismatch;
pub mod notice;
pub mod policy;
pub mod predicate;
pub mod reference;
pub mod safe_integer;
pub mod schedule;
pub mod supervision;
pub mod template;
pub mod verdict;
pub mod words;
