//! Files that are no text at all, whatever their name says: they are named as what they are, with what to do about it.

use std::io;

/// A format that holds rows and is neither CSV nor NDJSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file is {}", self.code())]
pub enum ForeignFormat {
    /// An Office Open XML workbook (`.xlsx`), an OpenDocument sheet, or another ZIP archive.
    Workbook,
    /// A workbook of Excel 97 (`.xls`).
    OldWorkbook,
    /// A page with a table, as many systems export it under the name `.xls`.
    HtmlTable,
    /// A workbook in XML of 2003, or another XML document.
    Xml,
    /// A compressed file or an archive.
    Compressed,
    /// A PDF.
    Pdf,
    /// UTF-16, where the reader must find the places of rows in the bytes.
    Utf16,
}

impl ForeignFormat {
    /// What the first bytes of a file show.
    pub fn of(head: &[u8]) -> Option<Self> {
        let marks: [(&[u8], Self); 9] = [
            (b"PK\x03\x04", Self::Workbook),
            (b"PK\x05\x06", Self::Workbook),
            (b"\xD0\xCF\x11\xE0", Self::OldWorkbook),
            (b"\x1F\x8B", Self::Compressed),
            (b"7z\xBC\xAF\x27\x1C", Self::Compressed),
            (b"Rar!", Self::Compressed),
            (b"BZh", Self::Compressed),
            (b"\x28\xB5\x2F\xFD", Self::Compressed),
            (b"%PDF-", Self::Pdf),
        ];
        let marked = marks.iter().find(|(mark, _)| head.starts_with(mark));
        marked.map(|(_, format)| *format).or_else(|| markup(head))
    }

    /// For programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Workbook => "workbook",
            Self::OldWorkbook => "old_workbook",
            Self::HtmlTable => "html_table",
            Self::Xml => "xml_document",
            Self::Compressed => "compressed_file",
            Self::Pdf => "pdf_document",
            Self::Utf16 => "utf16_file",
        }
    }

    /// The format that an error of a reader carries.
    pub fn within(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }
}

/// Markup in any encoding that has ASCII in it: the zero bytes of UTF-16 are passed over.
fn markup(head: &[u8]) -> Option<ForeignFormat> {
    let text: String = head
        .iter()
        .filter(|byte| byte.is_ascii() && **byte != 0)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .skip_while(char::is_ascii_whitespace)
        .take(512)
        .collect();
    let begins = |marks: &[&str]| marks.iter().any(|mark| text.starts_with(mark));
    if begins(&["<html", "<!doctype html", "<table", "<meta", "<head", "<body", "<!--"]) {
        return Some(ForeignFormat::HtmlTable);
    }
    if begins(&["<?xml", "<workbook", "<ss:workbook"]) {
        let is_page = text.contains("<html") || text.contains("<table");
        return Some(if is_page {
            ForeignFormat::HtmlTable
        } else {
            ForeignFormat::Xml
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_what_it_is() {
        for (head, format) in [
            (&b"PK\x03\x04\x14\x00"[..], Some(ForeignFormat::Workbook)),
            (b"\xD0\xCF\x11\xE0\xA1\xB1", Some(ForeignFormat::OldWorkbook)),
            (b"\r\n <HTML xmlns:x='urn'>", Some(ForeignFormat::HtmlTable)),
            (b"\xEF\xBB\xBF<table border=1>", Some(ForeignFormat::HtmlTable)),
            (b"<\0h\0t\0m\0l\0>\0", Some(ForeignFormat::HtmlTable)),
            (b"<?xml version=\"1.0\"?><Workbook>", Some(ForeignFormat::Xml)),
            (b"%PDF-1.7", Some(ForeignFormat::Pdf)),
            (b"id_number,name\n", None),
            (b"{\"subject\":{}}", None),
            (b"", None),
        ] {
            assert_eq!(ForeignFormat::of(head), format, "{head:?}");
        }
    }
}
