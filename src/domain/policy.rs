//! What an agency may ask: operations, sharing classes and grants, narrowed for one purpose.
//! Deny by default: a permission is the union of the grants that hold now for this item code, and nothing else.

use std::ops::BitOr;

/// Most fields of a dataset; a permission is one machine word.
pub const FIELDS_MAX: usize = 64;

crate::words! {
    /// One right of a grant (CONTRACT §3).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum GrantOperation {
        /// Compare literal claims.
        Verify = "verify",
        /// Evaluate predicates.
        Predicate = "predicate",
        /// Read permitted fields and explanations.
        Read = "read",
        /// Contribute records.
        Contribute = "contribute",
        /// Learn that no record exists.
        Existence = "existence",
        /// Accept a stale answer when the source is down.
        StaleOk = "stale_ok",
    }
}

impl GrantOperation {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationSet(u8);

impl OperationSet {
    /// Whether `operation` is in the set.
    pub const fn has(self, operation: GrantOperation) -> bool {
        self.0 & operation.bit() != 0
    }

    /// Whether the set holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<GrantOperation> for OperationSet {
    fn from_iter<I: IntoIterator<Item = GrantOperation>>(operations: I) -> Self {
        Self(operations.into_iter().fold(0, |set, operation| set | operation.bit()))
    }
}

impl BitOr for OperationSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A set of fields of one dataset, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u64);

impl FieldSet {
    /// Every field.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether field `number` is in the set.
    pub const fn has(self, number: u8) -> bool {
        number < FIELDS_MAX as u8 && self.0 & (1 << number) != 0
    }

    /// Whether the set holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<u8> for FieldSet {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        Self(
            numbers
                .into_iter()
                .filter(|number| usize::from(*number) < FIELDS_MAX)
                .fold(0, |set, n| set | 1 << n),
        )
    }
}

impl BitOr for FieldSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a dataset may be shared (CONTRACT §3; the catalogue rules' 共享类型).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharingKind {
    /// 无条件共享: any agency may verify.
    Unconditional,
    /// 有条件共享: needs a grant.
    Conditional,
    /// 不予共享: nobody, for the legal basis named.
    Withheld {
        /// Law, regulation or State Council policy.
        legal_basis: String,
    },
}

/// Service item codes that a grant covers.
#[derive(Clone, Debug)]
pub enum ItemCodes {
    /// `*`.
    Any,
    /// These alone.
    Only(Box<[Box<str>]>),
}

impl ItemCodes {
    /// Whether `code` is covered.
    pub fn cover(&self, code: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(codes) => codes.iter().any(|covered| &**covered == code),
        }
    }
}

/// What a caller may do with one dataset for one purpose: for each operation, the fields that it covers.
/// Fields are kept by operation: a grant to read one field and a grant to verify all must not add up to reading all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsePermission([FieldSet; GrantOperation::ALL.len()]);

impl UsePermission {
    /// Every one of `operations` on every one of `fields`.
    pub fn new(operations: OperationSet, fields: FieldSet) -> Self {
        Self(GrantOperation::ALL.map(|operation| {
            if operations.has(operation) {
                fields
            } else {
                FieldSet::default()
            }
        }))
    }

    /// The fields that `operation` covers.
    pub fn fields(&self, operation: GrantOperation) -> FieldSet {
        self.0.get(operation as usize).copied().unwrap_or_default()
    }

    /// Whether `operation` is allowed on field `number`.
    pub fn permits(&self, operation: GrantOperation, number: u8) -> bool {
        self.fields(operation).has(number)
    }

    /// Whether `operation` is allowed on any field.
    pub fn has(&self, operation: GrantOperation) -> bool {
        !self.fields(operation).is_empty()
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|fields| fields.is_empty())
    }
}

impl BitOr for UsePermission {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        let mut both = self;
        for (fields, more) in both.0.iter_mut().zip(other.0) {
            *fields = *fields | more;
        }
        both
    }
}

crate::words! {
    /// The clause that a refusal names (CONTRACT §3: "a refusal names the missing clause").
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum RefusalClause {
        /// No grant for this agency and dataset.
        Dataset = "dataset",
        /// Grants exist, none is valid now.
        Validity = "validity",
        /// Grants exist, none covers the item code.
        ItemCode = "item_codes",
        /// Grants exist, none has the operation.
        Operation = "operations",
        /// The call came from another network.
        Network = "networks",
        /// The daily ceiling is used up.
        DailyCeiling = "daily_ceiling",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_of_permissions_never_drops_a_right_and_never_makes_one() {
        let read_name = UsePermission::new(
            OperationSet::from_iter([GrantOperation::Read]),
            FieldSet::from_iter([0]),
        );
        let verify_all = UsePermission::new(
            OperationSet::from_iter([GrantOperation::Verify, GrantOperation::Existence]),
            FieldSet::ALL,
        );
        let both = read_name | verify_all;
        assert!(both.permits(GrantOperation::Read, 0) && both.permits(GrantOperation::Verify, 5));
        assert!(both.has(GrantOperation::Existence) && !both.has(GrantOperation::Contribute));
        assert!(
            !both.permits(GrantOperation::Read, 5),
            "reading one field and verifying all is not reading all"
        );
        assert!(UsePermission::default().is_empty() && !both.is_empty());
    }

    #[test]
    fn a_field_number_out_of_range_is_in_no_set() {
        assert!(!FieldSet::ALL.has(64));
        assert!(FieldSet::from_iter([64, 200]).is_empty());
    }

    #[test]
    fn every_operation_is_found_by_its_word() {
        for operation in GrantOperation::ALL {
            assert_eq!(GrantOperation::parse(operation.as_str()), Some(operation));
        }
        assert_eq!(GrantOperation::parse("Verify"), None);
    }
}
