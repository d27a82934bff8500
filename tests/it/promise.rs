//! What a capability promises of its routes and tables. The walks over all routes, answers and tables ask here first; the lists in
//! `routes`, `wire` and `store_shards` are of the capabilities that have no promise beside their tests.

/// An operation, and the roles that may call it.
type OperationRoles = (&'static str, &'static [&'static str]);

/// An operation, and what holds the text of its answer against its wire type.
type OperationCheck = (&'static str, fn(&str, &str));

/// The promise of one capability, written from the contract.
pub(crate) struct CapabilityPromise {
    /// The roles of each operation.
    pub(crate) roles: &'static [OperationRoles],
    /// Operation, and what holds its answer against its wire type: the operation and the text of the answer.
    pub(crate) answers: &'static [OperationCheck],
    /// Tables that hold rows about a subject.
    pub(crate) by_subject: &'static [&'static str],
    /// Tables that belong to no subject.
    pub(crate) whole: &'static [&'static str],
}

/// The roles of an operation that a capability promised.
pub(crate) fn roles(operation: &str) -> Option<&'static [&'static str]> {
    let mut all = crate::PROMISES.iter().flat_map(|promise| promise.roles);
    all.find(|(known, _)| *known == operation).map(|(_, roles)| *roles)
}

/// The check of an operation's answer that a capability promised.
pub(crate) fn answer(operation: &str) -> Option<fn(&str, &str)> {
    let mut all = crate::PROMISES.iter().flat_map(|promise| promise.answers);
    all.find(|(known, _)| *known == operation).map(|(_, check)| *check)
}

/// Promised tables: those about a subject, those about none.
pub(crate) fn tables() -> [Vec<&'static str>; 2] {
    let by_subject = crate::PROMISES.iter().flat_map(|promise| promise.by_subject);
    let whole = crate::PROMISES.iter().flat_map(|promise| promise.whole);
    [by_subject.copied().collect(), whole.copied().collect()]
}
