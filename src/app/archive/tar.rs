//! The smallest tar (POSIX ustar) that holds a pack: plain files with short names, in the order given, without anything of the
//! machine that wrote it. Read back strictly: what is not such a file is refused.
//! Own code: the same pack must be the same bytes, and reading refuses all else; `tar` reads far more.

/// Bytes of a header, and of what contents are filled up to.
const BLOCK: usize = 512;
const NAME_BYTES_MAX: usize = 100;

/// Largest archive that is read, bytes.
pub const TAR_BYTES_MAX: usize = 256 << 20;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TarFile {
    /// Path in the archive.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// Writes files; `at_s` is the time of each, Unix seconds.
pub fn write(files: &[TarFile], at_s: i64) -> Vec<u8> {
    let mut out = Vec::new();
    for file in files {
        out.extend_from_slice(&header(file, at_s));
        out.extend_from_slice(&file.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn header(file: &TarFile, at_s: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(BLOCK);
    let mut put = |bytes: &[u8], length: usize| {
        out.extend(bytes.iter().take(length));
        out.extend(std::iter::repeat_n(0, length.saturating_sub(bytes.len())));
    };
    put(file.name.as_bytes(), NAME_BYTES_MAX);
    for number in ["0000644", "0000000", "0000000"] {
        put(number.as_bytes(), 8);
    }
    put(format!("{:011o}", file.bytes.len()).as_bytes(), 12);
    put(format!("{:011o}", at_s.max(0)).as_bytes(), 12);
    // The sum is made with blanks in its place.
    put(b"        ", 8);
    put(b"0", 1);
    put(&[], 100);
    put(b"ustar\x0000", 8);
    put(&[], BLOCK - 265);
    let sum: u32 = out.iter().map(|byte| u32::from(*byte)).sum();
    for (to, from) in out.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()) {
        *to = from;
    }
    out
}

/// Reads files; `None`: these bytes are not what `write` makes.
pub fn read(bytes: &[u8]) -> Option<Vec<TarFile>> {
    let (mut files, mut rest) = (Vec::new(), bytes);
    if bytes.len() > TAR_BYTES_MAX {
        return None;
    }
    loop {
        let (head, tail) = rest.split_at_checked(BLOCK)?;
        if head.iter().all(|byte| *byte == 0) {
            // Two blocks of zeros, and nothing behind them.
            return (tail == [0; BLOCK]).then_some(files);
        }
        let name = head.get(..NAME_BYTES_MAX)?.split(|byte| *byte == 0).next()?;
        let octal = |from: usize| i64::from_str_radix(std::str::from_utf8(head.get(from..from + 11)?).ok()?, 8).ok();
        let length = usize::try_from(octal(124)?).ok()?;
        let (contents, tail) = tail.split_at_checked(length.next_multiple_of(BLOCK))?;
        let (contents, fill) = contents.split_at_checked(length)?;
        let file = TarFile {
            name: String::from_utf8(name.to_vec()).ok()?,
            bytes: contents.to_vec(),
        };
        // Written anew, the header must be the same: there is one way to say a thing.
        if header(&file, octal(136)?) != head || fill.iter().any(|byte| *byte != 0) {
            return None;
        }
        files.push(file);
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<TarFile> {
        [
            ("manifest.json", 0),
            ("receipts/0-12.txt", 511),
            ("a", 512),
            ("b", 1_025),
        ]
        .map(|(name, length)| TarFile {
            name: name.to_owned(),
            bytes: vec![7; length],
        })
        .to_vec()
    }

    #[test]
    fn files_read_back_as_they_were_written_and_nothing_else_is_read() {
        let written = write(&files(), 1_795_363_200);
        assert_eq!(read(&written), Some(files()));
        for length in (0..written.len()).step_by(101) {
            assert_eq!(read(&written[..length]), None, "{length}");
        }
        for at in (0..written.len()).step_by(13) {
            let mut changed = written.clone();
            changed[at] ^= 1;
            assert_ne!(read(&changed), Some(files()), "{at}");
        }
        assert_eq!(read(&[written, vec![0; BLOCK]].concat()), None);
    }
}
