//! Reads an entry's bytes where they lie; the layout is told in `entry`.

use super::{EntryKind, VERSION};
use heyan_domain::verdict::Outcome;

/// What every entry begins with.
pub(crate) struct EntryHead {
    pub kind: EntryKind,
    pub at_us: i64,
    pub agency: u32,
}

/// One item where it lies.
pub(crate) struct ItemBytes<'a> {
    pub rules: &'a [u8],
    pub subject: [u8; 16],
    pub record_version: u32,
    pub outcome: Outcome,
    pub fields: &'a [u8],
}

/// What is left of an entry's bytes.
#[derive(Clone, Copy)]
pub(crate) struct EntryReader<'a>(pub &'a [u8]);

impl<'a> EntryReader<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// `None`: of another version of the layout, or of no known kind.
    pub(crate) fn head(&mut self) -> Option<EntryHead> {
        (self.u8()? == VERSION).then_some(())?;
        Some(EntryHead {
            kind: EntryKind::from_code(self.u8()?)?,
            at_us: i64::from_be_bytes(self.array()?),
            agency: u32::from_be_bytes(self.array()?),
        })
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    pub(crate) fn item(&mut self) -> Option<ItemBytes<'a>> {
        let rules = usize::from(self.u8()?);
        let rules = self.take(rules)?;
        let subject = self.array()?;
        let record_version = u32::from_be_bytes(self.array()?);
        let outcome = Outcome::from_code(self.u8()?)?;
        let fields = 2 * usize::from(self.u8()?);
        Some(ItemBytes {
            rules,
            subject,
            record_version,
            outcome,
            fields: self.take(fields)?,
        })
    }
}
