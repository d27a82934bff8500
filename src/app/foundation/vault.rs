//! Seals what a row may not hold in the clear: facts, notes, secrets, saved replies; and hides what is only compared.
//! What is sealed is bound to its table, column and row: moved to another place, it does not open (PROMISES I-21).

use serde::{Serialize, de::DeserializeOwned};

use super::error::AppError;
use heyan_auth::{pseudonym::Pseudonymizer, seal::PurposeSealer};

/// The keys of the store's sealed columns.
pub struct ColumnVault {
    sealer: PurposeSealer,
    hiding: Pseudonymizer,
}

/// Where something sealed belongs.
#[derive(Clone, Copy)]
pub struct SealPlace<'a> {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Key of the row.
    pub row: &'a str,
}

impl SealPlace<'_> {
    fn aad(self) -> Vec<u8> {
        let mut aad = b"heyan store v1".to_vec();
        for part in [self.table, self.column, self.row] {
            aad.push(0);
            aad.extend_from_slice(part.as_bytes());
        }
        aad
    }
}

const CANNOT_SEAL: AppError = AppError::Internal("a column cannot be sealed");
const CANNOT_OPEN: AppError = AppError::Internal("a sealed column does not open");

impl ColumnVault {
    /// A vault of these keys.
    pub fn new(sealer: PurposeSealer, hiding: Pseudonymizer) -> Self {
        Self { sealer, hiding }
    }

    /// Seals bytes.
    ///
    /// # Errors
    /// The key is used up.
    pub fn seal(&self, place: SealPlace<'_>, plain: &[u8]) -> Result<Vec<u8>, AppError> {
        let mut out = Vec::new();
        let sealed = self.sealer.seal(plain, &place.aad(), &mut out);
        sealed.map(|()| out).map_err(|_refused| CANNOT_SEAL)
    }

    /// Opens bytes.
    ///
    /// # Errors
    /// They were changed, or sealed for another place or with another key.
    pub fn open(&self, place: SealPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, AppError> {
        let mut out = Vec::new();
        let opened = self.sealer.open(sealed, &place.aad(), &mut out);
        opened.map(|()| out).map_err(|_broken| CANNOT_OPEN)
    }

    /// Seals a value as JSON.
    ///
    /// # Errors
    /// As `seal`.
    pub fn seal_json<T: Serialize>(&self, place: SealPlace<'_>, value: &T) -> Result<Vec<u8>, AppError> {
        let plain = serde_json::to_vec(value).map_err(|_unwritable| CANNOT_SEAL)?;
        self.seal(place, &plain)
    }

    /// Opens a value that was sealed as JSON.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_json<T: DeserializeOwned>(&self, place: SealPlace<'_>, sealed: &[u8]) -> Result<T, AppError> {
        serde_json::from_slice(&self.open(place, sealed)?).map_err(|_unreadable| CANNOT_OPEN)
    }

    /// A keyed hash of an agency's application number.
    pub fn matter(&self, agency: &str, application_no: &str) -> [u8; 16] {
        self.hiding
            .hide(&[b"matter", agency.as_bytes(), application_no.trim().as_bytes()])
    }

    /// A keyed hash of an agency's operator.
    pub fn operator(&self, agency: &str, operator: &str) -> [u8; 16] {
        self.hiding
            .hide(&[b"operator", agency.as_bytes(), operator.trim().as_bytes()])
    }

    /// A keyed hash of something that a message was sent with and that may be an identifier: its key, or its subject.
    pub fn of_bus(&self, kind: &[u8], text: &[u8]) -> [u8; 16] {
        self.hiding.hide(&[b"bus", kind, text])
    }

    /// A keyed hash under which the ledger's index knows something that may not stand in the clear.
    pub fn of_index(&self, kind: &[u8], text: &[u8]) -> [u8; 16] {
        self.hiding.hide(&[b"index", kind, text])
    }

    /// A keyed hash by which a record is found otherwise than by its identifiers: `name` says how.
    pub fn record_key(&self, dataset: &str, name: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        let head: [&[u8]; 3] = [b"record key", dataset.as_bytes(), name];
        self.hiding.hide(&[&head[..], parts].concat())
    }

    /// A keyed hash of what was claimed of a field, in the form in which it is compared.
    pub fn claim(&self, field: &str, canonical: &[u8]) -> [u8; 16] {
        self.hiding.hide(&[b"claim", field.as_bytes(), canonical])
    }
}

#[cfg(test)]
mod tests {
    use crate::foundation::vault::*;

    fn vault() -> ColumnVault {
        ColumnVault::new(
            PurposeSealer::new(1, &[1; 32], &[]).unwrap(),
            Pseudonymizer::new(&[2; 32]),
        )
    }

    const PLACE: SealPlace<'static> = SealPlace {
        table: "mismatches",
        column: "facts",
        row: "mis_1",
    };

    #[test]
    fn what_is_sealed_opens_in_its_own_place_alone() {
        let vault = vault();
        let sealed = vault.seal_json(PLACE, &["王小明"]).unwrap();
        assert_eq!(vault.open_json::<Vec<String>>(PLACE, &sealed).unwrap(), ["王小明"]);
        for place in [
            SealPlace {
                table: "other",
                ..PLACE
            },
            SealPlace {
                column: "note",
                ..PLACE
            },
            SealPlace { row: "mis_2", ..PLACE },
        ] {
            assert!(vault.open(place, &sealed).is_err());
        }
    }

    #[test]
    fn a_matter_belongs_to_its_agency() {
        let vault = vault();
        assert_eq!(vault.matter("a", "1"), vault.matter("a", " 1"));
        assert_ne!(vault.matter("a", "1"), vault.matter("b", "1"));
        assert_ne!(vault.claim("name", b"x"), vault.claim("sex", b"x"));
    }
}
