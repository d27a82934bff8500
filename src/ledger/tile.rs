//! Paths and shapes of what a C2SP tlog-tiles client fetches below `tile/`.
//! `tlog_tiles::Tile` reads the older Go form, which has the tile height in the path and `data` for entries, hence this parser.

use super::tree::TILE;

/// Highest level that a path may name (C2SP tlog-tiles).
const LEVEL_MAX: u8 = 63;

/// One resource of a tiled log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`: `width` hashes of 32 bytes.
    Hashes {
        /// Tile level: 0 holds leaf hashes.
        level: u8,
        /// Number of the tile within the level.
        n: u64,
        /// Hashes in it, 1..=256.
        width: u16,
    },
    /// `tile/entries/<N>[.p/<W>]`: `width` entries, each behind its big-endian `u16` length.
    Entries {
        /// Number of the bundle.
        n: u64,
        /// Entries in it, 1..=256.
        width: u16,
    },
}

/// The path names no tile. The path is not repeated: it comes from a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tile path")]
pub struct TilePathError;

impl TilePath {
    /// Parses `tile/0/x001/234.p/5` or `tile/entries/x001/234`. Only the canonical spelling passes.
    pub fn parse(path: &str) -> Result<Self, TilePathError> {
        let (kind, number) = path
            .strip_prefix("tile/")
            .and_then(|p| p.split_once('/'))
            .ok_or(TilePathError)?;
        let (number, width) = match number.split_once(".p/") {
            Some((number, width)) => (number, width.parse().map_err(|_| TilePathError)?),
            None => (number, 256),
        };
        let n = parse_number(number)?;
        let parsed = match kind {
            "entries" => Self::Entries { n, width },
            level => Self::Hashes {
                level: level.parse().map_err(|_| TilePathError)?,
                n,
                width,
            },
        };
        // Leading zeros, plus signs, wrong grouping and an explicit `.p/256` all re-encode differently.
        if parsed.in_range() && parsed.encode() == path {
            Ok(parsed)
        } else {
            Err(TilePathError)
        }
    }

    /// The path that `parse` reads.
    pub fn encode(&self) -> String {
        let (kind, n, width) = match self {
            Self::Hashes { level, n, width } => (level.to_string(), *n, *width),
            Self::Entries { n, width } => ("entries".to_owned(), *n, *width),
        };
        let mut number = format!("{:03}", n % 1_000);
        let mut rest = n / 1_000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1_000);
            rest /= 1_000;
        }
        let partial = if u64::from(width) == TILE {
            String::new()
        } else {
            format!(".p/{width}")
        };
        format!("tile/{kind}/{number}{partial}")
    }

    fn in_range(&self) -> bool {
        let (level, width) = match self {
            Self::Hashes { level, width, .. } => (*level, *width),
            Self::Entries { width, .. } => (0, *width),
        };
        level <= LEVEL_MAX && (1..=256).contains(&width)
    }
}

fn parse_number(text: &str) -> Result<u64, TilePathError> {
    let mut n = 0u64;
    for part in text.split('/') {
        let digits = part.strip_prefix('x').unwrap_or(part);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TilePathError);
        }
        let value: u64 = digits.parse().map_err(|_| TilePathError)?;
        n = n
            .checked_mul(1_000)
            .and_then(|n| n.checked_add(value))
            .ok_or(TilePathError)?;
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_the_specification_parse_and_others_do_not() {
        assert_eq!(
            TilePath::parse("tile/0/x001/x234/067"),
            Ok(TilePath::Hashes {
                level: 0,
                n: 1_234_067,
                width: 256
            })
        );
        assert_eq!(
            TilePath::parse("tile/entries/x001/234.p/5"),
            Ok(TilePath::Entries { n: 1_234, width: 5 })
        );
        let refused = [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/64/000",
            "tile/0/0",
            "tile/0/x000/000",
            "tile/0/001/234",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/05",
            "tile/0/000.p/+5",
            "tile/0/000.p/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/x001/x234",
            "tile/0/000.p/5.p/5",
            "tile/+0/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/entries/０００",
        ];
        for path in refused {
            assert_eq!(TilePath::parse(path), Err(TilePathError), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_round_trips(level in 0u8..64, n: u64, width in 1u16..=256) {
            for path in [TilePath::Hashes { level, n, width }, TilePath::Entries { n, width }] {
                proptest::prop_assert_eq!(TilePath::parse(&path.encode()), Ok(path));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = TilePath::parse(&text);
        }
    }
}
